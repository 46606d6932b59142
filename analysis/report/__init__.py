"""One page, its tables and its figures."""
