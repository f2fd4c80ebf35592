"""Prints what Triton's client knows of the protocol: its serialised file descriptors, in JSON."""

from __future__ import annotations

import json

from tritonclient.grpc import model_config_pb2, service_pb2

files = (model_config_pb2.DESCRIPTOR, service_pb2.DESCRIPTOR)
print(json.dumps([file.serialized_pb.hex() for file in files]))
