"""One process, as those see it who watch it and give it orders."""
