"""What a text is read from, and what of it is held out."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from models.tasks.task import TaskRefused
from models.tasks.text.corpus import HELD_OUT, SHORTEST, File, corpus, split


def lines(count: int, word: str = "line") -> str:
    return "".join(f"{word} {number}\n" for number in range(count))


def test_the_end_of_a_file_is_held_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(lines(4000))
    training, held_out = corpus(path)
    assert training + held_out == lines(4000)
    assert len(held_out) == pytest.approx(HELD_OUT * len(lines(4000)), abs=1)


def test_many_files_are_split_by_whole_files() -> None:
    files = [File(f"{number}.txt", lines(50, f"file{number}")) for number in range(40)]
    training, held_out = split(files)
    for file in files:
        assert (file.text in training) != (file.text in held_out)
    assert HELD_OUT <= len(held_out) / len(training + held_out) < HELD_OUT + 1 / len(files)


def test_the_split_depends_on_the_names_alone() -> None:
    files = [File(f"{number}.txt", lines(50, f"file{number}")) for number in range(40)]
    assert split(files) == split(files[::-1])
    renamed = [File(f"other/{file.name}", file.text) for file in files]
    assert split(renamed).held_out != split(files).held_out


def test_a_folder_is_read_to_its_depths_but_not_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b.txt", "deep/down/a.txt", ".git/config", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(lines(3000, name))
    assert "".join(corpus(tmp_path)) == lines(3000, "b.txt") + lines(3000, "deep/down/a.txt")


def test_the_standard_library_is_its_sources_without_tests_and_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "json/encoder.py",
        "json/README",
        "test/test_json.py",
        "site-packages/six.py",
        "pydoc_data/topics.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(lines(3000, name))
    (tmp_path / "latin.py").write_bytes("# -*- coding: latin-1 -*- ä".encode("latin-1"))
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.get)
    assert "".join(corpus(None)) == lines(3000, "json/encoder.py")


def test_this_python_has_its_standard_library() -> None:
    assert sum(map(len, corpus(None))) > 1_000_000


def test_only_the_training_text_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(lines(4000))
    whole, cut = corpus(path), corpus(path, 2500)
    assert cut.training == whole.training[:2500]
    assert cut.held_out == whole.held_out


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text(lines(4000))
    (tmp_path / "picture.png").write_bytes(b"abc\xff\xd8")
    with pytest.raises(TaskRefused, match=r"picture.png is not UTF-8 text \(byte 3\)"):
        corpus(tmp_path)


@pytest.mark.parametrize("text", ["", "short\n"])
def test_a_text_that_is_too_short_says_what_is_needed(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.txt").write_text(text)
    with pytest.raises(TaskRefused, match=f"mine.txt leaves .* at least {SHORTEST} of each"):
        corpus(tmp_path / "mine.txt")


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskRefused, match="leaves 0 characters to train on and 0 held out"):
        corpus(tmp_path)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskRefused, match=r"cannot read .*nowhere: No such file"):
        corpus(tmp_path / "nowhere")
