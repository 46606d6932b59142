"""Which configuration is better: paired differences, rankings, Pareto fronts, what selection promised."""
