"""Adding two marked values of a long sequence."""
