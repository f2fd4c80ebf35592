"""ONNX files made elsewhere: inferred where there is no doubt, else declared in a `model.toml`."""
