from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.core.errors import ModelNotFound, ModelRefused
from service.core.streams import ModelKey
from service.lanes import loading
from service.lanes.lane import Lane
from service.lanes.loading import Loader
from service.lanes.place import Place
from service.repository.manifest import GOLDEN_KEY, MANIFEST_KEY
from service.runtime import threads
from service.runtime.batching import Batching
from service.runtime.device import Device
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Stepper
from tests import foreign, graphs
from tests.devices import Kernelless, Padding
from tests.lossy import ILLEGAL

PACKAGE = graphs.accumulator_package()


def loader(root: Path) -> Loader:
    return Loader(root, window=4, max_batch=8, threads=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repository").mkdir()
    return tmp_path / "repository"


def test_the_newest_version_is_the_highest_number(root: Path) -> None:
    for version in (9, 10):
        graphs.put(root, "gru", PACKAGE, version)
    assert loader(root).find("gru", None).key == ModelKey("gru", 10)
    assert loader(root).find("gru", 9).key == ModelKey("gru", 9)


@pytest.mark.parametrize(("name", "version"), [("gru", 2), ("gru", 0), ("lstm", None)])
def test_what_is_not_there_is_told(root: Path, name: str, version: int | None) -> None:
    graphs.put(root, "gru", PACKAGE)
    with pytest.raises(ModelNotFound, match="there is no package"):
        loader(root).find(name, version)


def test_a_repository_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="there is no folder"):
        loader(tmp_path / "nowhere").versions()


def test_every_version_is_listed_whether_or_not_it_is_any_good(root: Path) -> None:
    graphs.put(root, "gru", PACKAGE)
    graphs.put(root, "junk", b"junk", 3)
    for odd in ("007", "latest"):
        path = root / "gru" / odd / "model.onnx"
        path.parent.mkdir()
        path.write_bytes(PACKAGE)
    assert loader(root).versions() == [ModelKey("gru", 1), ModelKey("junk", 3)]


def test_a_package_tells_what_its_file_says_of_itself_but_for_the_golden_run(root: Path) -> None:
    graphs.put(root, "gru", PACKAGE)
    metadata = loader(root).load(loader(root).find("gru", 1)).metadata
    assert MANIFEST_KEY in metadata and GOLDEN_KEY not in metadata


def test_what_the_device_leaves_to_the_host_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loading, "numerics", lambda device: device.name)
    graphs.put(root, "gru", PACKAGE)
    there = replace(loader(root), place=Place(Kernelless()))
    assert there.load(there.find("gru", 1)).numerics == "distant:0"
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "gru/1: distant:0 has no kernel for Add, Identity: the host" in warning.getMessage()


def test_a_model_whose_streams_run_one_by_one_on_a_device_is_told(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    graphs.put(root, "mixing", graphs.package(graphs.neighbourly(), graphs.ACCUMULATOR))
    there = replace(loader(root), place=Place(Padding()))
    assert there.load(there.find("mixing", 1)).batching is Batching.ONE
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "mixing/1: its streams run one by one" in warning.getMessage()
    caplog.clear()
    loader(root).load(there.find("mixing", 1))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_the_digest_is_that_of_the_lane_and_covers_what_is_declared(root: Path) -> None:
    made = foreign.memoryless()
    path = graphs.put(root, "foreign", made.content)
    path.with_name("model.toml").write_text(made.toml)
    package = loader(root).find("foreign", 1)
    digest = loader(root).digest(package)
    assert loader(root).load(package).digest == digest
    path.with_name("model.toml").write_text(made.toml + "\n# another file\n")
    assert loader(root).digest(package) != digest


def test_files_that_change_while_they_are_read_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = graphs.put(root, "gru", PACKAGE)

    def meanwhile(*arguments: object, **named: object) -> None:
        path.write_bytes(graphs.package(*graphs.mixer()))

    monkeypatch.setattr("service.lanes.loading.proven_stepper", meanwhile)
    with pytest.raises(ModelRefused, match="changed while they were read"):
        loader(root).load(loader(root).find("gru", 1))


def test_a_file_that_cannot_be_read_is_refused(root: Path) -> None:
    path = graphs.put(root, "gru", PACKAGE)
    package = loader(root).find("gru", 1)
    path.unlink()
    with pytest.raises(ModelRefused, match="cannot be read: No such file"):
        loader(root).digest(package)
    with pytest.raises(ModelRefused, match="No such file"):
        loader(root).load(package)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository, with packages outside it that no name may reach."""
    outside = tmp_path_factory.mktemp("outside")
    graphs.put(outside, "secret", PACKAGE)
    root = outside / "repository"
    graphs.put(root, "gru", PACKAGE)
    return root


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["..", ".", "gru", "secret", "1", "", "/", "\0"])).map("/".join)
)
@example("../secret")
@example("gru/../../secret")
@example("gru/1/../..//gru")
@example("gru\0")
@example("\uff47ru")
@example("..\\secret")
def test_no_name_leads_out_of_the_repository(beside: Path, name: str) -> None:
    if name == "gru":
        return
    for version in (1, None):
        with pytest.raises(ModelNotFound):
            loader(beside).find(name, version)
    absolute = str(beside.parent / "secret")
    with pytest.raises(ModelNotFound, match="no name of a model"):
        loader(beside).find(absolute, 1)


def test_a_model_that_fails_with_several_threads_serves_with_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def with_threads(graph: Graph, *arguments: Any, **named: Any) -> Stepper:
        tried.append(graph.threads)
        if graph.threads > 1:
            raise ModelRefused("its golden run is off")
        return proven_stepper(graph, *arguments, **named)

    graphs.put(root, "gru", PACKAGE)
    monkeypatch.setattr(threads, "_LEAST", 0.0)
    monkeypatch.setattr(loading, "proven_stepper", with_threads)
    several = Loader(root, window=4, max_batch=8, threads=None, processors=2)
    lane = several.load(several.find("gru", None))
    assert tried == [1, 2]
    assert lane.model == ModelKey("gru", 1)


def bounded(root: Path, memory: int) -> Lane:
    graphs.put(root, "gru", PACKAGE)
    within = replace(loader(root), place=Place(memory=memory), max_streams=100)
    return within.load(within.find("gru", 1))


def test_memory_for_some_streams_only_has_rows_for_those(root: Path) -> None:
    device = bounded(root, 4 * 50).reading(0).device
    assert device and device.rows == 50 - 8 - 1


class Full(Padding):
    def free(self) -> int:
        return 2 * 4 * 50


def test_a_device_has_rows_for_as_many_streams_as_half_of_what_is_free_holds(root: Path) -> None:
    graphs.put(root, "gru", PACKAGE)
    there = replace(loader(root), place=Place(Full()), max_streams=100)
    device = there.load(there.find("gru", 1)).reading(0).device
    assert device and device.rows == 50 - 8 - 1
    fewer = replace(there, max_streams=50 // 3)
    assert fewer.load(fewer.find("gru", 1)).reading(0).device is None


def test_memory_for_all_streams_is_not_shared_out(root: Path) -> None:
    assert bounded(root, 4 * 300).reading(0).device is None


def test_a_model_whose_batch_finds_no_memory_is_refused(root: Path) -> None:
    with pytest.raises(ModelRefused, match="4 bytes of state, .* has 50 for states"):
        bounded(root, 50)


def test_models_run_where_the_loader_is_told(root: Path) -> None:
    device = Padding()
    graphs.put(root, "gru", PACKAGE)
    lanes = Loader(root, window=4, max_batch=8, threads=None, processors=2, place=Place(device))
    [lane] = lanes.load_all()
    assert lane.model == ModelKey("gru", 1)
    assert device.crossings["upload"] and device.crossings["download"]


def test_a_device_that_is_lost_while_a_model_is_loaded_is_noticed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> Stepper:
        raise ModelRefused(f"it does not run with its golden run: {ILLEGAL}")

    monkeypatch.setattr(loading, "proven_stepper", lost)
    graphs.put(root, "gru", PACKAGE)
    place = Place()
    told = Loader(root, window=4, max_batch=8, threads=1, place=place).load_all()
    assert told.refused[ModelKey("gru", 1)].endswith("memory access was encountered")
    assert ILLEGAL in place.loss.reason


def test_a_device_that_is_lost_when_a_model_has_proved_itself_is_noticed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(device: Device) -> str:
        raise RuntimeError(ILLEGAL)

    monkeypatch.setattr(loading, "numerics", lost)
    graphs.put(root, "gru", PACKAGE)
    there = loader(root)
    assert "CUDA failure 700" in there.load_all().refused[ModelKey("gru", 1)]
    assert there.place.loss.reason
