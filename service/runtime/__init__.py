"""The arithmetic: models on ONNX Runtime and the states of their streams."""

import os

# Its wheels report models and sessions to their maker unless told not to before they load.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
