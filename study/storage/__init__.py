"""What is on disk of a study."""
