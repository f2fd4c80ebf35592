"""Generated from proto/stepwire/inference: `make proto`."""
