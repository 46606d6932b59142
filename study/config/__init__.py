"""What a user may write, checked and resolved; free of torch, ray and mlflow."""
