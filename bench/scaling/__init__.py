"""Scaling on paper: what many streams need, from measured costs, and a simulation of it."""
