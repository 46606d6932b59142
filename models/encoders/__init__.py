"""Embedded words to features at every step."""
