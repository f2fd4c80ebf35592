"""The two ways of a transport with the messages of a call."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[False, True], ids=["by-tasks", "direct"])
def direct(request: pytest.FixtureRequest) -> bool:
    """Whether messages are told where they arrive, and answers written where they are made."""
    found: bool = request.param
    return found
