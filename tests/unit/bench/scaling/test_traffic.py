"""Bytes and packets of a step, by hand."""

import pytest

from bench.scaling import traffic
from bench.scaling.constants import SMALL
from tests.unit.bench.scaling.given import CONSTANTS

_SMALL = CONSTANTS.arithmetic[SMALL]


def test_a_step_alone_is_a_packet() -> None:
    assert traffic.of(_SMALL) == (1.0, 529 + 14 + 66)


def test_the_entries_of_a_fleet_share_packets() -> None:
    packets, size = traffic.of(_SMALL, 256)
    # 256 · (512 + 12) + 14 bytes, in segments of 1448.
    assert packets * 256 == 93
    assert size * 256 == pytest.approx(256 * 524 + 14 + 93 * 66)
