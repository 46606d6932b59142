"""What the encoder and the decoder read."""
