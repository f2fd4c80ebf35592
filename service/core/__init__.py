"""Decisions about streams, pure: no clock, no I/O, no tensors of a model's state."""
