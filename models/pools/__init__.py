"""Features at every step to one vector a sentence, or not."""
