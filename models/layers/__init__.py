"""Layers and losses that several components share."""
