"""A noisy sine."""
