"""The HTTP edge: health, readiness, metrics and the live page, in plain text."""
