"""Many processes on one port: the parent, its workers, and what they say to each other."""
