"""How often training collapses, where along a hyperparameter, and when."""
