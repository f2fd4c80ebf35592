"""Streams: how connections come to them, and what becomes of them beyond one process."""
