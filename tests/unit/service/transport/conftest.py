from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.framed import Framed, framed
from tests.transports import Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving("nghttp2") as found:
        yield found


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Framed]:
    async with framed(served.port) as found:
        yield found
