"""Tests of latents."""
