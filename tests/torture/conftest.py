from __future__ import annotations

import pytest

from torture import balancer
from torture.programs import NotInstalled
from torture.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips the test where there is no Redis and none can be installed."""
    try:
        RedisServer(tmp_path_factory.mktemp("redis")).stop()
    except NotInstalled as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def haproxy() -> None:
    """Skips the test where there is no HAProxy."""
    try:
        balancer.installed()
    except NotInstalled as error:
        pytest.skip(str(error))
