"""Swinging up and balancing a pendulum."""
