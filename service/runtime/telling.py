"""Telling: what an error of a library says, in a line that clients may read."""

from __future__ import annotations

import re

_WHERE = re.compile(r"/onnxruntime_src/\S+:\d+ .*?(?=CUDA failure \d)| ; GPU=-?\d.*")
"""What ONNX Runtime adds where CUDA fails: before it a function of its source, and after it the
host's name, and a file and an expression of its source.
"""


def line(error: object) -> str:
    """Never empty."""
    return _WHERE.sub("", " ".join(str(error).split())) or type(error).__name__
