"""What a command leaves in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.folders import filled, require_free


def test_a_folder_is_there_when_all_of_it_is(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "made"
    with filled(target) as made:
        (made / "one").write_text("whole")
        assert not target.exists()
    assert [path.name for path in tmp_path.glob("deep/*")] == ["made"]
    assert (target / "one").read_text() == "whole"
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("failure", [OSError("full"), KeyboardInterrupt()])
def test_what_fails_leaves_nothing(tmp_path: Path, failure: BaseException) -> None:
    with pytest.raises(type(failure)), filled(tmp_path / "made") as made:
        (made / "half").write_text("lost")
        raise failure
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_found_out_before_the_block(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    target = tmp_path / "file" / "made"
    with pytest.raises(OSError, match=f"cannot write {target} .*: choose another --out"):
        with filled(target):
            raise AssertionError("the block began")


def test_a_folder_filled_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with pytest.raises(OSError, match="choose another --out"), filled(target):
        target.mkdir()
        (target / "other").write_text("kept")
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "other"]


@pytest.mark.parametrize("linked", [False, True])
def test_an_empty_folder_may_be_filled(tmp_path: Path, linked: bool) -> None:
    target = tmp_path / "made"
    if linked:
        (tmp_path / "true").mkdir()
        target.symlink_to("true")
    else:
        target.mkdir()
    require_free(target, "--name")
    with filled(target) as made:
        (made / "one").write_text("whole")
    assert (target / "one").exists()
    with pytest.raises(FileExistsError, match="made is there already: take another --name"):
        require_free(target, "--name")


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(FileExistsError, match="file is there already: take another --out"):
        require_free(tmp_path / "file", "--out")
