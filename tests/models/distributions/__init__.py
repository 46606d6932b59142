"""Tests of densities, samplers and divergences."""
