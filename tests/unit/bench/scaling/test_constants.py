"""The file of constants is read as it was written, or refused in one line."""

from dataclasses import fields
from pathlib import Path

import pytest

from bench.scaling import constants
from stepwire.refused import Refused
from tests.unit.bench.scaling.given import CONSTANTS


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    constants.write(CONSTANTS, tmp_path / "constants.toml")
    assert constants.read(tmp_path / "constants.toml") == CONSTANTS
    assert [path.name for path in tmp_path.iterdir()] == ["constants.toml"]


def test_every_constant_is_told_with_its_unit() -> None:
    told = list(constants.told(CONSTANTS))
    kinds: list[type] = [constants.Transport, constants.Client, constants.Saving, constants.Memory]
    kinds += [constants.Arithmetic] * 2
    assert len(told) == sum(len(fields(kind)) for kind in kinds)
    assert {each.unit for each in told} == {"µs", "B"}
    assert ("transport.turn_us", 50.0) in [(each.name, each.value) for each in told]


@pytest.mark.parametrize(
    ("text", "replaced", "said"),
    [
        ("turn_us = 50.0\n", "", "turn_us"),
        ("turn_us = 50.0", "turn_us = 'fifty'", "is no number"),
        ("turn_us = 50.0", "turn_us = 50.0\nother = 1.0", "other"),
        ("[memory]", "[memory", "constants.toml"),
        ("[saving]", "[keeping]", "saving"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, replaced: str, said: str) -> None:
    file = tmp_path / "constants.toml"
    constants.write(CONSTANTS, file)
    whole = file.read_text(encoding="utf-8")
    assert text in whole
    file.write_text(whole.replace(text, replaced, 1), encoding="utf-8")
    with pytest.raises(Refused, match=said):
        constants.read(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"bench\.scaling measure"):
        constants.read(tmp_path / "none.toml")
