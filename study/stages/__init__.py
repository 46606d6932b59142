"""Which trial is next, which is stopped, which is chosen; knows no ray."""
