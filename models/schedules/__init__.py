"""Weights as pure functions of the update number."""
