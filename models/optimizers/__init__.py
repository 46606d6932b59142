"""The optimisers of the papers, each with its clipping and its learning-rate rule."""
