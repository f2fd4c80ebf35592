"""`stepwire record` and `stepwire replay`: the steps of live streams, kept and asked again."""
