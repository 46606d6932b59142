"""Tests, in folders that mirror the four packages."""
