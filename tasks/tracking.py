"""Showing the night in MLflow: what was tried, what it measured, and the model that was refitted."""
