"""A study's records, read from MLflow alone."""
