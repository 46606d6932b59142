"""How sparse the codes are, how stable that is across seeds, and what controls it."""
