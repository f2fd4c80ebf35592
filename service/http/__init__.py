"""The HTTP edge: health, readiness and metrics, in plain text and without secrets."""
