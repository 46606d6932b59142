"""Hyperparameter studies of text VAEs: how often training collapses, how stable the learnt sparsity is."""
