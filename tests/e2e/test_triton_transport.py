"""Triton's clients over libnghttp2, which the compose file has the service use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import graphs
from tests.e2e.adding import add, total, totals
from tests.e2e.deployed import ACCUMULATOR, serving
from tests.transports import needs_nghttp2
from tests.triton_client import WAYS, Way, answers
from torture.processes import Server
from torture.triton_client import TritonClient

MANY = 400
"""Sequences that share a call."""


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needs_nghttp2()
    root = tmp_path_factory.mktemp("fast") / "repository"
    graphs.put(root, "accumulator", ACCUMULATOR)
    with serving(root, "--transport", "nghttp2") as server:
        yield server


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_what_fails_is_told_in_its_place_and_the_rest_goes_on(
    triton: TritonClient, fast: Server, way: Way
) -> None:
    found = totals(
        triton,
        fast,
        way,
        *(add("arm", 1, start=True), add("arm", float("nan")), add("arm", 2)),
        add("arm", 2, outputs=["nothing"]),
        *(add("arm", 3, end=True), add("arm", 1)),
    )
    assert found[0::2] == [1, 3, 6]
    for error, part in zip(found[1::2], ("NaN or Inf", "'nothing'", "sequence_start"), strict=True):
        assert part in error


def test_many_sequences_share_a_call(triton: TritonClient, fast: Server) -> None:
    """Each is answered, with its own sums in their order, before the call ends."""
    steps = [
        add(row + 1, row, id_=f"{row}:{number}", start=number == 0, end=number == 2)
        for number in range(3)
        for row in range(MANY)
    ]
    told = answers(triton, fast.address, ("sync", "stream"), steps)
    assert {each["id"] for each in told} == {each["id"] for each in steps}
    sums = [(int(each["id"].split(":")[0]), total(each)) for each in told]
    for row in range(MANY):
        assert [found for of, found in sums if of == row] == [row, 2 * row, 3 * row]
