from __future__ import annotations

import pytest

from service.streams.states import States
from tests.outside import Alone
from tests.replicas import Replica, Shared
from tests.virtual_time import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories", "replica", "states"]


@pytest.fixture(params=["alone", "with a store"])
async def replica(request: pytest.FixtureRequest) -> Replica:
    return Alone() if request.param == "alone" else Replica(Shared())


@pytest.fixture
def states(replica: Replica) -> States:
    return replica.engine.states
