from __future__ import annotations

import pytest

from service.runtime.choice import choose
from service.runtime.device import Device


@pytest.fixture(scope="session")
def device() -> Device:
    return choose("cuda")
