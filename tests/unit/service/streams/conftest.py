from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from service.streams.states import States
from tests.outside import Alone
from tests.replicas import Replica, Shared
from tests.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """However busy the machine is, nothing here is late, and nothing is waited for."""
    return {"virtual": VirtualLoop}


@pytest.fixture(params=["alone", "with a store"])
async def replica(request: pytest.FixtureRequest) -> Replica:
    return Alone() if request.param == "alone" else Replica(Shared())


@pytest.fixture
def states(replica: Replica) -> States:
    return replica.engine.states
