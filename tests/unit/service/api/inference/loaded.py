"""Lanes of models as they are loaded from packages."""

from __future__ import annotations

from pathlib import Path

from service.core.streams import ModelKey
from service.lanes.lane import Lane
from service.lanes.loading import Loader
from tests import foreign

MODEL = ModelKey("model", 1)


def loaded(root: Path, package: bytes, toml: str = "") -> Lane:
    foreign.put(root, MODEL.name, package, toml)
    loader = Loader(root, window=8, max_batch=16, threads=1)
    return loader.load(loader.find(*MODEL))
