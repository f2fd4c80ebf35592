"""A sine that a served network goes on with by itself."""
