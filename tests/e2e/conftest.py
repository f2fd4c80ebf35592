from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import graphs, networks
from tests.browser import Tab, browsing
from tests.pages import ROOT
from tests.triton_client import triton_client
from torture.processes import Server, running
from torture.triton_client import TritonClient

Start = Callable[..., Server]


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every architecture of `tests.networks`, an accumulator in two versions, a model of two
    inputs and outputs, and one whose rows depend on each other.
    """
    root = tmp_path_factory.mktemp("repository")
    for name in networks.ARCHITECTURES:
        networks.put_network(root, name)
    for version in (1, 2):
        graphs.put(root, "accumulator", graphs.accumulator_package(), version)
    graphs.put(root, "wide", graphs.package(*graphs.wide()))
    graphs.put(root, "mixer", graphs.package(*graphs.mixer()))
    graphs.put(root, "neighbourly", graphs.package(graphs.neighbourly(), graphs.ACCUMULATOR))
    return root


@pytest.fixture(scope="session")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with default settings, shared by the tests that leave it as it is."""
    with running(repository, log=tmp_path_factory.mktemp("server") / "log") as shared:
        yield shared


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the bundled models, as `make serve` has them."""
    log = tmp_path_factory.mktemp("bundled") / "log"
    with running(ROOT / "model_repository", log=log) as shared:
        yield shared


@pytest.fixture
def start(repository: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts servers of the test's own, with the given flags."""
    with ExitStack() as stack:

        def begin(*flags: str) -> Server:
            log = tmp_path / "server.log"
            return stack.enter_context(running(repository, *flags, log=log))

        yield begin


@pytest.fixture(scope="session")
def triton() -> TritonClient:
    return triton_client()


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    async with browsing() as made:
        yield made
