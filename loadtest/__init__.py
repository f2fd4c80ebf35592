"""`stepwire load`: a served model under a load that does not wait for it."""
