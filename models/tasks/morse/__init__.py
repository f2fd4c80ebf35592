"""Morse code, read from a noisy key."""
