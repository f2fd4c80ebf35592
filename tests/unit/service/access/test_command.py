from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.access.command import token
from service.access.credentials import Credential, hash_token
from service.access.tokens import parse, read


def run(*arguments: str) -> Result:
    return CliRunner().invoke(token, arguments)


def test_the_lines_are_for_the_file_and_the_token_for_the_eye() -> None:
    result = run("robot", "--models", "a-*", "--models", "b", "--operator")
    [made] = re.findall(r"shown this once: (\S{43})$", result.stderr)
    assert made not in result.stdout
    expected = Credential("robot", hash_token(made), "robot", ("a-*", "b"), True)
    assert parse(result.stdout).find(hash_token(made)) == expected


def test_tokens_are_added_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    first = run("a", "--add", str(file)).output.strip()
    second = run("b", "--namespace", "plant", "--add", str(file)).output.strip()
    text = file.read_text()
    assert first not in text and second not in text
    found = [read(file).find(hash_token(made)) for made in (first, second)]
    assert [one and one.namespace for one in found] == ["a", "plant"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.toml"]


def test_a_file_keeps_its_comments_its_permissions_and_its_link(tmp_path: Path) -> None:
    file, link = tmp_path / "tokens.toml", tmp_path / "link"
    file.write_text("# ours")
    file.chmod(0o640)
    link.symlink_to(file)
    assert run("a", "--add", str(link)).exit_code == 0
    assert file.read_text().startswith("# ours\n\n[[credential]]\n")
    assert file.stat().st_mode & 0o777 == 0o640 and link.is_symlink()


@pytest.mark.parametrize(
    ("before", "arguments", "message"),
    [
        ("x", ["a"], "no TOML"),
        ("", ["a b"], "credential.1.name: not 1 to 64"),
        ("", ["a", "--namespace", "a/b"], "credential.1.namespace: not 1 to 64"),
    ],
)
def test_what_would_not_be_read_is_refused_and_the_file_left(
    tmp_path: Path, before: str, arguments: list[str], message: str
) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(before)
    result = run(*arguments, "--add", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {file}: ") and message in result.stderr
    assert file.read_text() == before


def test_a_name_is_given_once(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    assert run("a", "--add", str(file)).exit_code == 0
    assert "credentials 1 and 2 have the same name" in run("a", "--add", str(file)).stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "tokens.toml"
    result = run("a", "--add", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {file}: No such file or directory\n"


def test_without_a_file_a_wrong_name_is_told() -> None:
    result = run("a b")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "credential.1.name" in result.stderr
