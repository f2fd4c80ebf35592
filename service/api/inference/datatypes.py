"""What the elements of tensors are called: by NumPy, in requests, in configurations."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepwire.inference import model_config_pb2 as pb

DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
}
"""By NumPy's name."""


def datatype(dtype: np.dtype[Any]) -> str:
    """As requests and metadata have it."""
    return DATATYPES[dtype.name]


def data_type(dtype: np.dtype[Any]) -> pb.DataType.ValueType:
    """As configurations have it."""
    return pb.DataType.Value(f"TYPE_{datatype(dtype)}")
