"""A latent that uncollapse does not have: Laplace posteriors."""
