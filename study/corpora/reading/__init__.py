"""Files of every format as texts with what is known about each."""
