"""What every service of the compose file is held to, as far as the file itself says."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests import compose
from tests.pages import ROOT

SERVICES = compose.services()
EACH = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
ENDS_BY_ITSELF = "load"


def told_by_dockerfile(service: dict[str, Any], word: str) -> list[str]:
    """What the lines of such an instruction say, in the Dockerfile of what is built."""
    if "build" not in service:
        return []
    build = service["build"]
    context = build if isinstance(build, str) else build["context"]
    lines = (ROOT / context / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"{word} ") for line in lines if line.startswith(f"{word} ")]


def user_of(service: dict[str, Any]) -> str:
    """From the file, or from its Dockerfile."""
    return str(service["user"] if "user" in service else told_by_dockerfile(service, "USER")[-1])


@EACH
def test_a_service_is_held_short(service: dict[str, Any]) -> None:
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] and service["pids_limit"]
    assert int(user_of(service).partition(":")[0]) > 0


@EACH
def test_a_port_is_published_for_this_machine_only(service: dict[str, Any]) -> None:
    assert all(at.startswith("127.0.0.1:") for at in compose.published(service))


def test_the_profiles_can_be_up_together() -> None:
    ports = [at for service in SERVICES.values() for at in compose.published(service)]
    assert len(ports) == len(set(ports))
    written = [
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if isinstance(volume, str) and not volume.startswith(".")
    ]
    assert len(written) == len(set(written)), "no two services write to one volume"


def test_what_serves_is_started_again_and_what_ends_is_not() -> None:
    policies = {name: service["restart"] for name, service in SERVICES.items()}
    assert policies.pop(ENDS_BY_ITSELF, "no") == "no"
    assert set(policies.values()) == {"unless-stopped"}


def test_each_service_can_be_asked_for_its_health() -> None:
    for name, service in SERVICES.items():
        if name != ENDS_BY_ITSELF:
            own = service.get("healthcheck", {}).get("test")
            assert own or told_by_dockerfile(service, "HEALTHCHECK"), name


def test_cuda_is_for_its_profile_alone() -> None:
    (name,) = [name for name, service in SERVICES.items() if "EXTRAS" in str(service.get("build"))]
    gpu = SERVICES[name]
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia" and "gpu" in device["capabilities"]
    assert compose.profile_of(gpu) == gpu["build"]["target"] == gpu["build"]["args"]["EXTRAS"]
    folder = re.search(r"CUPY_CACHE_DIR=(\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert folder and folder[1] in gpu["tmpfs"]
    asks = [
        name for name, each in SERVICES.items() if "STEPWIRE_DEVICE" in each.get("environment", {})
    ]
    assert asks == [name] and gpu["environment"]["STEPWIRE_DEVICE"] == "cuda"


def test_what_the_extra_for_cuda_adds_is_pinned_beside_the_rest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {Requirement(each).name for each in project["optional-dependencies"]["gpu"]}
    pinned, rest = pins("constraints-gpu.txt"), pins("constraints.txt")
    assert asked - {project["name"]} <= pinned.keys()
    assert {"cuda-pathfinder", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime"} <= pinned.keys()
    assert not pinned.keys() & rest.keys()


def pins(name: str) -> dict[str, str]:
    """Versions by name; every line is a comment or pins one exactly."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in told)
    return dict(line.split("==") for line in told)
