"""What the page on deploying says of files that need no engine to be read."""

from __future__ import annotations

import re
import shlex
import subprocess

from loadtest.command import load as load_command
from service.command import serve
from service.settings import Settings, load
from tests import compose
from tests.pages import ROOT, Page

PAGE = Page("docs/deploy.md")


def test_the_settings_of_the_table_are_those_that_the_compose_file_reads() -> None:
    assert {name: default for name, default, _ in PAGE.table("variable")} == compose.VARIABLES


def test_the_profiles_of_the_table_are_those_of_the_file() -> None:
    listed = {
        profile: (re.findall(r"\w+", services), re.findall(r"[\d.]+:\d+", places))
        for profile, services, places in PAGE.table("profile")
    }
    found: dict[str, tuple[list[str], list[str]]] = {}
    for name, service in compose.services().items():
        services, places = found.setdefault(compose.profile_of(service), ([], []))
        services.append(name)
        places += compose.published(service)
    assert listed == found


def test_the_services_of_the_table_are_those_of_the_profile() -> None:
    of_profile = [
        name for name, of in compose.services().items() if compose.profile_of(of) == "cluster"
    ]
    assert sorted(name for name, *_ in PAGE.table("service")) == sorted(of_profile)


def test_the_command_of_many_workers_is_taken() -> None:
    command = PAGE.block("sh", containing="stepwire serve --workers")
    _, _, *flags = shlex.split(command)
    params = serve.make_context("serve", flags).params
    settings = load({name: value for name, value in params.items() if value is not None})
    assert settings.workers == 2 and settings.store.startswith("sqlite:")


def test_the_loads_of_the_file_and_of_the_page_are_taken() -> None:
    before = "docker compose run --rm load"
    lines = PAGE.block("sh", containing=f"{before} stepwire:50051").splitlines()
    assert len(lines) == 2 and all(line.startswith(before) for line in lines)
    on_page = [shlex.split(line.removeprefix(before)) for line in lines]
    for arguments in (compose.services()["load"]["command"], *on_page):
        asked = load_command.make_context("load", list(arguments)).params
        assert asked["address"].endswith(":50051")
        assert (ROOT / "model_repository" / asked["model"]).is_dir()


def test_a_container_may_drain_for_longer_than_its_server_does() -> None:
    (grace,) = re.findall(r'STEPWIRE_GRACE: "(\d+)"', compose.TEXT)
    (stop,) = re.findall(r"stop_grace_period: (\d+)s", compose.TEXT)
    assert int(grace) < int(stop)


def test_a_takeover_waits_for_as_long_as_the_page_says() -> None:
    wait = Settings.model_fields["takeover_wait"].default
    assert f"`--takeover-wait` ({wait:g} s)" in PAGE.text


def test_the_script_is_one_that_any_shell_reads() -> None:
    done = subprocess.run(["sh", "-n", "deploy/rolling-restart.sh"], cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
