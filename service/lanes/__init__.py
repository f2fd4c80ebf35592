"""Model versions in service, and how they come there."""
