"""Where trials run: Ray, processes, signals, and what a person sees meanwhile."""
