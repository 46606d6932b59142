"""What proposes a trial's hyperparameters: one file a sampler, and the way from a page's space to Optuna's trials."""
