"""How a load speaks to a server: a module for each protocol."""
