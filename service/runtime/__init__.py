"""The arithmetic: models on ONNX Runtime and the states of their streams."""
