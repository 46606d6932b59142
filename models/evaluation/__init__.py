"""Every measure of a trained model on a split."""
