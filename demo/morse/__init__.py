"""Morse code, read by a served network as it is keyed."""
