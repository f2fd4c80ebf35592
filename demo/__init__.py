"""Closed loops to watch, through the real service."""
