"""Latents: features (*, H) to named variables of batch shape *; one file a kind."""
