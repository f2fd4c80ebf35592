"""The Stepwire service: keeps the state of every stream and advances it step by step."""
