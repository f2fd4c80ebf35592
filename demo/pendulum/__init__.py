"""A pendulum, swung up and balanced by a served network."""
