"""Small networks trained on what a frozen model gives: what can be read off its codes."""
