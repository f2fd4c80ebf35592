"""Generated from proto/stepwire/v1: `make proto`."""
