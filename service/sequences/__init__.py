"""Sequences: streams that belong to no connection; whoever names one advances it."""
