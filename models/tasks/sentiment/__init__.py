"""Film reviews, judged after each word."""
