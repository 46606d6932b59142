"""A code and the words so far to the state that predicts the next word."""
