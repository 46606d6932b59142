"""One engine that checks every section of a page against its annotated dataclass. Free of torch, ray and mlflow."""
