"""Densities, samplers and divergences that torch.distributions lacks."""
