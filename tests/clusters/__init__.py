"""Studies on real clusters: several Ray nodes on this machine, MLflow on PostgreSQL, and what happens to them."""
