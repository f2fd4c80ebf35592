"""The file of what was measured is read as it was written, or refused in one line."""

from pathlib import Path

import pytest

from bench.scaling import checking
from bench.scaling.checking import CASES, Checked, Figures
from stepwire.refused import Refused

_CHECKED = Checked(dict.fromkeys(CASES, Figures(50.0, 4.0, 300.0, 900.0)), "a machine")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    checking.write(_CHECKED, tmp_path / "checked.json")
    assert checking.read(tmp_path / "checked.json") == _CHECKED
    assert [path.name for path in tmp_path.iterdir()] == ["checked.json"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"loads": {}, "measured": "a machine"}'])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "checked.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=r"bench\.scaling check"):
        checking.read(file)
