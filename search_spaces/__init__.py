"""One page per family: the whole system (`base`) and what its study searches (`search`)."""
