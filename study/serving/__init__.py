"""A trained model for others: MLflow's registry."""
