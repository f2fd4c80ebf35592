from __future__ import annotations

import pytest

from service.workers.crew import Crew


@pytest.fixture
def crew() -> Crew:
    return Crew(["1", "2"])
