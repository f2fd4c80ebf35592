"""Stepwire's own API: streams, each in a call of its own, and fleets of them."""
