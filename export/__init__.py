"""From a trained network to a verified model package."""
