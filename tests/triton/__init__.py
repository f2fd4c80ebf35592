"""Scripts for Triton's own clients, each run as a process in an environment of theirs."""
