from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.streams import ModelKey
from service.repository.packages import Package, RepositoryError, package_at, scan
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


@pytest.mark.parametrize("version", ["0", "01"])
def test_versions_count_from_one(tmp_path: Path, version: str) -> None:
    put(tmp_path, "a", b"").parent.rename(tmp_path / "a" / version)
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


@pytest.mark.parametrize("linked", ["a", "a/1"])
def test_a_linked_folder_stays_in_the_repository(tmp_path: Path, linked: str) -> None:
    outside, repository = tmp_path / "outside", tmp_path / "repository"
    for root in (outside, repository):
        put(root, "b", b"")
    place = repository / linked
    place.parent.mkdir(exist_ok=True)
    depth = len(Path(linked).parts)
    place.symlink_to(outside / "b" if depth == 1 else outside / "b" / "1")
    with pytest.raises(RepositoryError, match="leads out of the repository"):
        scan(repository)
    with pytest.raises(RepositoryError, match="leads out of the repository"):
        package_at(repository, "a", 1)
    place.unlink()
    place.symlink_to(repository / "b" if depth == 1 else repository / "b" / "1")
    assert package_at(repository, "a", 1) == scan(repository)[0]


def test_a_package_is_found_by_the_name_that_a_client_sends(tmp_path: Path) -> None:
    put(tmp_path, "a", b"", 2).with_name("model.toml").write_text("")
    assert package_at(tmp_path, "a", 2) == scan(tmp_path)[0]
    for name, version in (("a", 1), ("a", 0), ("a", -1), ("b", 2)):
        with pytest.raises(RepositoryError, match="there is no package"):
            package_at(tmp_path, name, version)


HOSTILE = st.text(st.sampled_from("ab./\\\0 ~%\n-"), max_size=12) | st.text(max_size=200)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one package, with another one outside."""
    root = tmp_path_factory.mktemp("guarded")
    put(root, "outside", b"secret")
    put(root / "repository", "ab", b"")
    return root / "repository"


@given(name=HOSTILE, version=st.integers())
def test_no_name_leads_out_of_the_repository(guarded: Path, name: str, version: int) -> None:
    try:
        package = package_at(guarded, name, version)
    except RepositoryError:
        assert (name, version) != ("ab", 1)
    else:
        assert package.path.resolve().is_relative_to(guarded.resolve())
        assert package.key == (name, version)


@pytest.mark.parametrize(
    "name", ["../outside", "..", ".", "", "/etc", "ab/../../outside", "ab\0", "..\\outside", "ab/"]
)
def test_what_is_no_name_is_refused_as_one(guarded: Path, name: str) -> None:
    with pytest.raises(RepositoryError, match="is no name of a model"):
        package_at(guarded, name, 1)
