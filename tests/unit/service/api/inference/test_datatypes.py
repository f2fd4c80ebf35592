from __future__ import annotations

import numpy as np
import pytest

from service.api.inference.datatypes import DATATYPES, data_type, datatype
from service.repository.manifest import DTYPES
from stepwire.inference import model_config_pb2 as pb


def test_every_dtype_of_a_model_has_a_datatype() -> None:
    assert set(DTYPES) <= DATATYPES.keys()


@pytest.mark.parametrize("name", DATATYPES)
def test_both_names_of_a_datatype_mean_the_same(name: str) -> None:
    dtype = np.dtype(name).newbyteorder("<")
    assert pb.DataType.Name(data_type(dtype)) == f"TYPE_{datatype(dtype)}"


def test_the_names_are_those_that_triton_has() -> None:
    named = ("float16", "float32", "int64", "uint8", "bool")
    assert [DATATYPES[name] for name in named] == ["FP16", "FP32", "INT64", "UINT8", "BOOL"]
