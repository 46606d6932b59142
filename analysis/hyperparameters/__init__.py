"""What each hyperparameter does to the measures."""
