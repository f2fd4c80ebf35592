"""State stores: what is kept of a stream beyond the process that runs it."""
