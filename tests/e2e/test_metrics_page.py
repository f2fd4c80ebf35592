"""The page on metrics: its table is what a service exposes, and its questions can be asked."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from stepwire import sync
from stepwire.errors import ModelNotFound
from tests import graphs
from tests.debian import program
from tests.pages import Page, ran, shell
from tests.promql import exposed, series_of
from torture.processes import running
from torture.scrape import ANYWHERE, HttpPort

PAGE = Page("docs/metrics.md")
_UNITS = {"seconds": "seconds", "bytes": "bytes", "fds": "files"}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What two workers say of a stream that has been stepped and of one that was refused."""
    folder = tmp_path_factory.mktemp("metrics")
    graphs.put(folder, "accumulator", graphs.accumulator_package())
    few_rows = ("--device", "cpu", "--device-memory", "1MiB", "--max-streams", "200000")
    store = f"sqlite:{folder / 'streams.db'}"
    flags = ("--workers", "2", "--store", store, *few_rows, *ANYWHERE)
    with running(folder, *flags, log=folder / "log") as server:
        http = HttpPort(server)
        with sync.connect(server.address) as client:
            with client.stream("accumulator") as stream:
                for _ in range(5):
                    stream.step(np.ones(1, np.float32))
            with pytest.raises(ModelNotFound), client.stream("no-such-model"):
                pass
        command = PAGE.block("sh", "/metrics").replace("http://localhost:8080", http.url)
        return shell(command)


@pytest.fixture(scope="module")
def families(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))


def _name(family: Metric) -> str:
    return family.name + "_total" * (family.type == "counter")


def _labels(family: Metric) -> list[str]:
    return [name for name in family.samples[0].labels if name != "le"]


def test_every_family_is_in_the_table_and_no_other(families: list[Metric]) -> None:
    told = [[_name(family), family.type, sorted(_labels(family))] for family in families]
    table = [
        [name, kind, sorted(re.findall(r"\w+", labels))]
        for name, kind, labels, *_ in PAGE.table("metric")
    ]
    assert table == told


def test_a_name_ends_in_the_unit_that_the_table_gives() -> None:
    for name, kind, _, unit, _ in PAGE.table("metric"):
        last = name.removesuffix("_total").rpartition("_")[2]
        assert name.endswith("_total") == (kind == "counter")
        assert _UNITS.get(last, unit) == unit, name


def test_every_figure_of_a_stream_that_was_stepped_is_told(families: list[Metric]) -> None:
    counts = {
        sample.name: sample.value
        for family in families
        for sample in family.samples
        if sample.name.endswith("_count") and sample.labels.get("model") == "accumulator"
    }
    assert counts == {
        "stepwire_queue_seconds_count": 5,
        "stepwire_compute_seconds_count": 5,
        "stepwire_write_seconds_count": 5,
        "stepwire_jitter_seconds_count": 3,
        "stepwire_batch_size_count": 5,
    }


def test_prometheus_finds_nothing_wrong_with_names_and_types(text: str) -> None:
    promtool = program("promtool", "--no-install-recommends", "prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, encoding="utf-8"
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_questions_are_of_what_is_there_and_prometheus_reads_them(
    families: list[Metric], tmp_path: Path
) -> None:
    questions = PAGE.blocks("Questions", "promql")
    assert len(questions) > 5
    for question in questions:
        assert series_of(question) <= exposed(families), question
    rules = [{"record": f"page:{place}", "expr": each} for place, each in enumerate(questions)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "page", "rules": rules}]}))
    promtool = program("promtool", "--no-install-recommends", "prometheus")
    checked = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, encoding="utf-8"
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("counted", ["times.add", "arrivals.add(0, 2.5)"])
def test_what_counting_costs_can_be_measured_again(counted: str) -> None:
    command = PAGE.block("sh", counted).replace("-n 20000", "-n 100")
    assert ran(command).stdout.startswith("100 loops, best of 5: ")
