"""Corpora: generated or read by path, cleaned, tokenised and indexed once, cached by content, shared as arrays."""
