from __future__ import annotations

from pathlib import Path

import pytest

from service.core.streams import ModelKey
from service.repository.packages import Package, RepositoryError, scan
from tests.graphs import put


def test_packages_are_found_by_name_and_version(tmp_path: Path) -> None:
    for name, version in (("b", 2), ("a", 10), ("a", 9)):
        put(tmp_path, name, b"", version)
    assert scan(tmp_path) == [
        Package(ModelKey(name, version), tmp_path / name / str(version) / "model.onnx")
        for name, version in (("a", 9), ("a", 10), ("b", 2))
    ]


def test_what_is_no_package_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("models")
    (tmp_path / "empty" / "1").mkdir(parents=True)
    for folder in ("a/latest", ".hidden/1", "a b/1", "a/1.5"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "model.onnx").write_bytes(b"")
    assert scan(tmp_path) == []


def test_a_missing_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="there is no folder .*: name one with --repository"):
        scan(tmp_path / "nowhere")


def test_versions_count_from_one(tmp_path: Path) -> None:
    put(tmp_path, "a", b"", 0)
    with pytest.raises(RepositoryError, match="count from 1"):
        scan(tmp_path)


def test_a_model_cannot_lead_out_of_the_repository(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", "secret", b"")
    repository = tmp_path / "repository"
    (repository / "a" / "1").mkdir(parents=True)
    (repository / "a" / "1" / "model.onnx").symlink_to(outside)
    with pytest.raises(RepositoryError, match="leads out of the repository"):
        scan(repository)


def test_a_declaration_belongs_to_the_model_beside_it(tmp_path: Path) -> None:
    toml = put(tmp_path, "a", b"").with_name("model.toml")
    toml.write_text("")
    put(tmp_path, "b", b"")
    assert [package.declaration for package in scan(tmp_path)] == [toml, None]


@pytest.mark.parametrize("there", [True, False])
def test_a_declaration_cannot_lead_out_of_the_repository(tmp_path: Path, there: bool) -> None:
    outside = tmp_path / "model.toml"
    if there:
        outside.write_text("")
    repository = tmp_path / "repository"
    put(repository, "a", b"").with_name("model.toml").symlink_to(outside)
    with pytest.raises(RepositoryError, match="model.toml leads out of the repository"):
        scan(repository)


def test_a_repository_may_be_reached_by_a_link(tmp_path: Path) -> None:
    put(tmp_path / "real", "a", b"")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [package.key for package in scan(tmp_path / "link")] == [ModelKey("a", 1)]
