"""Pages that commands serve on this machine."""
