"""How two studies differ."""
