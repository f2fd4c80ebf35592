"""What was measured: in rows for the terminal, in Markdown for the page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from bench.cuda import steps, tables
from bench.cuda.measuring import FIXED, Findings
from bench.part import Results
from service.runtime.stepper import Batching

_BARE = (
    "torch takes its inputs from the host's memory and gives its outputs back to it at every step, "
    "as Stepwire does; bare, it moves nothing over the bus."
)

_RUN = {
    Batching.ANY: "with any number of streams",
    Batching.CLOSELY: "with any number of streams, by which their last bits differ",
    Batching.AT_LEAST_TWO: "with two streams at least",
    Batching.ONE: "stream by stream",
}


def ratios(found: Findings, *, asked: bool) -> Iterator[tuple[str, Results]]:
    """By title. `asked`: whether the goals hold, which are those of a device."""
    rows = [row for each in found.steps for row in steps.rows_of(each, asked=asked)]
    if rows:
        yield "A step of all streams", Results(rows)
    if found.fixed:
        yield f"Runs of {FIXED}, which `--deterministic` makes", Results(found.fixed)
    if found.service:
        yield "The service on the device and on the CPU", Results(found.service)


def markdown(found: Findings, *, asked: bool) -> str:
    """Sections of what was measured, and of nothing else."""
    return "\n\n".join(_sections(found, asked=asked))


def _sections(found: Findings, *, asked: bool) -> Iterator[str]:
    if found.steps:
        if asked:
            rows = [row for each in found.steps for row in steps.rows_of(each, asked=True)]
            yield f"### What was asked\n\n{tables.goals(rows)}"
        yield f"### A step of all streams\n\n{_BARE}"
        for network, measured in groupby(found.steps, key=lambda each: each.network):
            yield f"**{network}**\n\n{tables.steps(list(measured))}"
    if found.isolation:
        yield f"### The same bits whoever steps beside\n\n{tables.differences(found.isolation)}"
        yield f"So the service runs {_batchings(found)}."
    if found.fixed:
        yield f"### What `--deterministic` costs\n\n{tables.fixed(found.fixed)}"
        yield f"In its runs of {FIXED}:\n\n{tables.differences(found.fixed_isolation)}"
    if found.saving:
        yield f"### A round of checkpoints\n\n{tables.saved(found.saving)}"
    if found.service:
        yield f"### The service\n\n{tables.served(found.service)}"


def _batchings(found: Findings) -> str:
    return ", ".join(f"a {network} {_RUN[batching]}" for network, batching in found.batching)
