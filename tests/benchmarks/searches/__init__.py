"""Of searches: trials they need, what stopping, racing and the best epoch save and cost, replayed on recorded trainings."""
