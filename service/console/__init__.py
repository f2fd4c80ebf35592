"""What the live page shows: asked of each process, added up, and made into one snapshot."""
