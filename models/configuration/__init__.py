"""What a configuration may say, and what it means; free of torch."""
