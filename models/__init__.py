"""Networks, tasks and training."""
