"""Measures of trained models: pure functions of tensors."""
