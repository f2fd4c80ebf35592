"""Stepwire's client."""
