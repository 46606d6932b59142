"""Intervals and tests that the topics share."""
