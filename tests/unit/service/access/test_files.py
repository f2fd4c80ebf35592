from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from service.access.files import Watched


def whole_number(path: Path) -> int:
    try:
        return int(path.read_text())
    except OSError as error:
        raise ValueError(f"{path.name} is gone") from error


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("1")
    return path


def test_a_change_is_read_once(file: Path) -> None:
    watched = Watched((file,), lambda: whole_number(file))
    assert (watched.content, watched.refresh()) == (1, False)
    file.write_text("22")
    assert (watched.refresh(), watched.content, watched.refresh()) == (True, 22, False)


def test_a_file_put_in_its_place_is_read(file: Path) -> None:
    watched = Watched((file,), lambda: whole_number(file))
    status = file.stat()
    other = file.with_name("other")
    other.write_text("2")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, file)
    assert watched.refresh() and watched.content == 2


def test_what_is_behind_a_link_is_watched(file: Path, tmp_path: Path) -> None:
    (tmp_path / "second").write_text("2")
    link = tmp_path / "link"
    link.symlink_to(file)
    watched = Watched((link,), lambda: whole_number(link))
    link.unlink()
    link.symlink_to(tmp_path / "second")
    assert watched.refresh() and watched.content == 2


@pytest.mark.parametrize("content", ["x", None])
def test_a_broken_change_leaves_what_was_and_is_logged_once(
    file: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    watched = Watched((file,), lambda: whole_number(file))
    file.unlink() if content is None else file.write_text(content + content)
    with caplog.at_level(logging.ERROR):
        assert not watched.refresh() and not watched.refresh()
    assert watched.content == 1
    [record] = caplog.records
    assert "what was read before stays in force" in record.getMessage()
    file.write_text("333")
    assert watched.refresh() and watched.content == 333


def test_a_change_to_any_of_several_files_is_seen(file: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.write_text("10")
    watched = Watched((file, second), lambda: whole_number(file) + whole_number(second))
    second.write_text("200")
    assert watched.refresh() and watched.content == 201
