"""The parts of Grafana's files that the project uses, as strict schemas: a misspelt key fails.

Sources: Grafana's documentation, "Dashboard JSON model" and "Provision Grafana".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tests.pages import ROOT

FOLDER = ROOT / "deploy" / "grafana"
COLUMNS = 24


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class SourceRef(Part):
    type: Literal["prometheus"]
    uid: str


class Place(Part):
    """In cells of the dashboard's grid."""

    x: Annotated[int, Field(ge=0, lt=COLUMNS)]
    y: Annotated[int, Field(ge=0)]
    w: Annotated[int, Field(ge=1, le=COLUMNS)]
    h: Annotated[int, Field(ge=1)]

    def cells(self) -> set[tuple[int, int]]:
        return {(self.x + i, self.y + j) for i in range(self.w) for j in range(self.h)}


class Target(Part):
    ref_id: Annotated[str, Field(pattern="^[A-Z]$")]
    expr: Annotated[str, Field(min_length=1)]
    legend_format: str
    format: Literal["time_series", "heatmap"] = "time_series"


class Step(Part):
    color: str
    value: float | None


class Thresholds(Part):
    mode: Literal["absolute"]
    steps: Annotated[list[Step], Field(min_length=1)]


class Shown(Part):
    text: str
    color: str


class Mapping(Part):
    type: Literal["value"]
    options: dict[str, Shown]


class Stacking(Part):
    mode: Literal["normal"]


class Lines(Part):
    fill_opacity: Annotated[int, Field(ge=0, le=100)]
    show_points: Literal["never"]
    stacking: Stacking | None = None


class Defaults(Part):
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    decimals: int | None = None
    custom: Lines | None = None
    thresholds: Thresholds | None = None
    mappings: list[Mapping] = []


class FieldConfig(Part):
    defaults: Defaults
    overrides: Annotated[list[Any], Field(max_length=0)]


class Legend(Part):
    display_mode: Literal["list"]
    placement: Literal["bottom"]
    show_legend: bool


class Tooltip(Part):
    mode: Literal["multi"]
    sort: Literal["desc"]


class LinesOptions(Part):
    legend: Legend
    tooltip: Tooltip


class Reduced(Part):
    calcs: list[Literal["lastNotNull"]]
    fields: Literal[""]
    values: Literal[False]


class StatOptions(Part):
    graph_mode: Literal["area", "none"]
    text_mode: Literal["auto", "name"]
    color_mode: Literal["value"]
    reduce_options: Reduced


class Scheme(Part):
    mode: Literal["scheme"]
    scheme: str
    steps: Annotated[int, Field(ge=2, le=128)]


class Axis(Part):
    unit: str


class HeatLegend(Part):
    show: bool


class HeatTooltip(Part):
    mode: Literal["single"]
    y_histogram: bool


class HeatOptions(Part):
    calculate: Literal[False]
    cell_gap: int
    color: Scheme
    y_axis: Axis
    legend: HeatLegend
    tooltip: HeatTooltip


class Row(Part):
    id: int
    type: Literal["row"]
    title: Annotated[str, Field(min_length=1)]
    collapsed: Literal[False]
    grid_pos: Place
    panels: Annotated[list[Any], Field(max_length=0)]


class _Drawn(Part):
    id: int
    title: Annotated[str, Field(min_length=1)]
    description: Annotated[str, Field(min_length=1)]
    datasource: SourceRef
    grid_pos: Place
    targets: Annotated[list[Target], Field(min_length=1)]
    field_config: FieldConfig


class LinesPanel(_Drawn):
    type: Literal["timeseries"]
    options: LinesOptions

    @property
    def unit(self) -> str | None:
        return self.field_config.defaults.unit


class StatPanel(_Drawn):
    type: Literal["stat"]
    options: StatOptions

    @property
    def unit(self) -> str | None:
        return self.field_config.defaults.unit


class HeatPanel(_Drawn):
    type: Literal["heatmap"]
    options: HeatOptions

    @property
    def unit(self) -> str | None:
        return self.options.y_axis.unit


Panel = LinesPanel | StatPanel | HeatPanel


class Query(Part):
    query: str
    ref_id: str


class Current(Part):
    text: list[str]
    value: list[str]


class Variable(Part):
    name: str
    label: str
    type: Literal["query"]
    datasource: SourceRef
    query: Query
    definition: str
    refresh: Literal[1, 2]
    sort: int
    include_all: bool
    multi: bool
    all_value: str
    current: Current


class Templating(Part):
    list: list[Variable]


class Span(Part):
    from_: Annotated[str, Field(alias="from")]
    to: str


class Dashboard(Part):
    uid: Annotated[str, Field(min_length=1, max_length=40)]
    title: str
    description: str
    tags: list[str]
    schema_version: Annotated[int, Field(ge=36)]
    version: int
    editable: bool
    graph_tooltip: Literal[0, 1, 2]
    refresh: str
    time: Span
    timezone: Literal["browser", "utc"]
    templating: Templating
    panels: list[Annotated[Row | Panel, Field(discriminator="type")]]

    @property
    def drawn(self) -> list[Panel]:
        return [panel for panel in self.panels if not isinstance(panel, Row)]

    @property
    def expressions(self) -> list[str]:
        return [target.expr for panel in self.drawn for target in panel.targets]


class JsonData(Part):
    time_interval: str


class Source(Part):
    name: str
    uid: str
    type: Literal["prometheus"]
    access: Literal["proxy"]
    url: str
    is_default: bool
    json_data: JsonData


class Sources(Part):
    api_version: Literal[1]
    datasources: list[Source]


class ProviderOptions(Part):
    path: str


class Provider(Part):
    name: str
    type: Literal["file"]
    allow_ui_updates: bool
    options: ProviderOptions


class Providers(Part):
    api_version: Literal[1]
    providers: list[Provider]


def dashboard() -> Dashboard:
    text = (FOLDER / "dashboards" / "stepwire.json").read_text(encoding="utf-8")
    return Dashboard.model_validate_json(text)


def provisioned(kind: str) -> Any:
    """The one YAML file of a kind, `datasources` or `dashboards`, as it is."""
    (file,) = (FOLDER / "provisioning" / kind).glob("*.yml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))
