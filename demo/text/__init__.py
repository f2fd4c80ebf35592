"""Text, written by a served network."""
