"""Repeating symbols after a delay."""
