"""What a study leaves behind: findings, exported configurations, final models."""
