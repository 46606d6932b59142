"""Which configuration is better: paired differences, rankings, fronts, what selection promised."""
