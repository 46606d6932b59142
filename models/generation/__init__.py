"""From codes to sentences: pure functions over a trained model."""
