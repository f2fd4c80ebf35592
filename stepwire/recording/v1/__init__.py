"""Generated from proto/stepwire/recording: `make proto`."""
