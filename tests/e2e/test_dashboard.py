"""Grafana's files and Prometheus' rules against the metrics of a real service."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from prometheus_client.metrics_core import Metric

from service.metrics.text import read
from tests import compose, graphs
from tests.alerts import alerts
from tests.grafana import COLUMNS, Providers, Row, Sources, dashboard, provisioned
from tests.pages import Page
from tests.promql import exposed, selectors_of, series_in, series_of
from torture.processes import running
from torture.scrape import HttpPort

BOARD = dashboard()
PAGE = Page("docs/observe.md")
OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Metric]]:
    """All that a service has: many workers, a durable store, fewer rows than streams."""
    folder = tmp_path_factory.mktemp("observed")
    repository = folder / "models"
    graphs.put(repository, "accumulator", graphs.accumulator_package())
    few_rows = ("--device", "cpu", "--device-memory", "1MiB", "--max-streams", "200000")
    flags = ("--workers", "2", "--store", f"sqlite:{folder}/streams.db", *few_rows)
    with running(repository, *flags, "--http-listen", "127.0.0.1:0", log=folder / "log") as server:
        _, text = HttpPort(server).get("/metrics")
        yield read(text)


def test_every_family_is_in_a_panel(families: list[Metric]) -> None:
    drawn = set().union(*map(series_of, BOARD.expressions))
    assert [family.name for family in families if not series_in(family) & drawn] == []


def test_panels_and_alerts_ask_for_nothing_that_is_not_there(families: list[Metric]) -> None:
    known = exposed(families) | OF_PROMETHEUS
    asked = [*BOARD.expressions, *(alert.expression for alert in alerts())]
    unknown = {expression: series_of(expression) - known for expression in asked}
    assert {expression: names for expression, names in unknown.items() if names} == {}


def test_the_variables_choose_in_every_panel(families: list[Metric]) -> None:
    of_models = {
        series
        for family in families
        if any("model" in sample.labels for sample in family.samples)
        for series in series_in(family)
    }
    for expression in BOARD.expressions:
        for series in series_of(expression):
            for selector in selectors_of(expression, series):
                assert 'service=~"$service"' in selector, expression
                whole = "stepwire_streams_limit" in expression  # of all models together
                assert ('model=~"$model"' in selector) == (series in of_models and not whole), (
                    expression
                )


def test_no_panel_covers_another_and_rows_are_full() -> None:
    places = [panel.grid_pos for panel in BOARD.panels]
    assert not any(one.cells() & other.cells() for one, other in combinations(places, 2))
    cells = set().union(*(place.cells() for place in places))
    assert len(cells) == COLUMNS * len({y for _, y in cells})


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    titles = [panel.title for panel in BOARD.drawn]
    assert len(set(titles)) == len(titles)
    assert len({panel.id for panel in BOARD.panels}) == len(BOARD.panels)
    for panel in BOARD.drawn:
        assert panel.unit and panel.description.endswith("."), panel.title
        for target in panel.targets:
            if "_seconds" in target.expr and "time()" not in target.expr:
                of_processors = "process_cpu" in target.expr
                assert panel.unit == ("none" if of_processors else "s"), panel.title


def test_what_is_provisioned_fits_together() -> None:
    (source,) = Sources.model_validate(provisioned("datasources")).datasources
    (provider,) = Providers.model_validate(provisioned("dashboards")).providers
    assert {panel.datasource.uid for panel in BOARD.drawn} == {source.uid}
    assert {variable.datasource.uid for variable in BOARD.templating.list} == {source.uid}
    assert source.url == "http://prometheus:9090"
    mounted = [mount.split(":")[:2] for mount in compose.services()["grafana"]["volumes"]]
    assert ["./deploy/grafana/dashboards", provider.options.path] in mounted
    home = compose.services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider.options.path}/stepwire.json"


def test_the_page_lists_the_rows_and_the_alerts() -> None:
    rows = [panel.title for panel in BOARD.panels if isinstance(panel, Row)]
    assert [title for title, _ in PAGE.table("row")] == rows
    listed = [(name, patience) for name, _, patience, _ in PAGE.table("alert")]
    assert listed == [(alert.name, alert.patience) for alert in alerts()]
