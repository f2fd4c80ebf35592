"""Which character comes next in a text."""
