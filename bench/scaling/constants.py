"""The measured constants of the cost model: what each is, and the file that keeps them."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from stepwire.refused import Refused

T = TypeVar("T")

FILE = Path(__file__).with_name("constants.toml")
SMALL, LARGE = "gru", "gru-2x256"
"""The two models that the tables are about, by the names of `bench.package`."""


def _said(unit: str, what: str) -> Any:
    """A field that the tables can tell of. `Any`, as of `dataclasses.field`."""
    return field(metadata={"unit": unit, "what": what})


@dataclass(frozen=True, slots=True)
class Transport:
    """The server's CPU for everything but the arithmetic and the saving."""

    turn_us: float = _said("µs", "a turn of the event loop that handles at least one message")
    message_us: float = _said("µs", "a message of one step in it")
    cold_us: float = _said(
        "µs", "more for a turn after 1 ms of idleness or longer, in proportion after less"
    )
    fleet_us: float = _said("µs", "a message of a fleet")
    entry_us: float = _said("µs", "an entry of it")


@dataclass(frozen=True, slots=True)
class Client:
    """The load itself, which the simulation needs for round trips and the closed loop."""

    turn_us: float = _said("µs", "a turn of the client's event loop")
    message_us: float = _said("µs", "a message in it: an answer read and the next step sent")
    cold_us: float = _said("µs", "more for a turn after idleness, as above")
    wire_us: float = _said(
        "µs",
        "a lone round trip less the CPU of both; negative: they work at once",
    )


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """ONNX Runtime alone, one thread, in a warm loop."""

    run_us: float = _said("µs", "a run of the model")
    row_us: float = _said("µs", "a row in it")
    request_bytes: float = _said("B", "a step's message")
    answer_bytes: float = _said("B", "its answer")
    kept_bytes: float = _said("B", "state and eight kept outputs")


@dataclass(frozen=True, slots=True)
class Saving:
    sqlite_us: float = _said("µs", "the server's CPU for a checkpoint, SQLite")
    redis_us: float = _said("µs", "the server's CPU for a checkpoint, Redis")
    redis_side_us: float = _said("µs", "the CPU of Redis for it, append-only file included")
    redis_wire_bytes: float = _said("B", "bytes to Redis beyond the kept ones, for a checkpoint")
    redis_memory_bytes: float = _said("B", "memory of Redis beyond the kept ones, for a stream")


@dataclass(frozen=True, slots=True)
class Memory:
    """Of the server, beyond state and kept outputs; idle streams."""

    stream_bytes: float = _said("B", "an open stream in a call of its own")
    entry_bytes: float = _said("B", "an open stream in a fleet")


@dataclass(frozen=True, slots=True)
class Constants:
    transport: Transport
    client: Client
    arithmetic: Mapping[str, Arithmetic]
    """By model."""
    saving: Saving
    memory: Memory
    measured: str
    """Where, with what, and when."""


class Told(NamedTuple):
    """A constant as a table tells it."""

    name: str
    value: float
    unit: str
    what: str


def told(constants: Constants) -> Iterator[Told]:
    """All of them, in the order of the file."""
    for name, section in _sections(constants):
        for each in fields(section):
            yield Told(
                f"{name}.{each.name}",
                getattr(section, each.name),
                each.metadata["unit"],
                each.metadata["what"],
            )


def read(path: Path = FILE) -> Constants:
    """Raises Refused."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return Constants(
            transport=_section(Transport, found["transport"]),
            client=_section(Client, found["client"]),
            arithmetic={
                model: _section(Arithmetic, found["arithmetic"][model]) for model in (SMALL, LARGE)
            },
            saving=_section(Saving, found["saving"]),
            memory=_section(Memory, found["memory"]),
            measured=str(found["measured"]),
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Refused(
            f"{path}: {error!r}: write it again with python -m bench.scaling measure"
        ) from error


def write(constants: Constants, path: Path = FILE) -> None:
    lines = ["# Written by `python -m bench.scaling measure`; times are CPU time.\n"]
    lines.append(f"measured = {json.dumps(constants.measured, ensure_ascii=False)}\n")
    for name, section in _sections(constants):
        lines.append(f"\n[{name}]\n")
        lines += [f"{key} = {value!r}\n" for key, value in asdict(section).items()]
    beside = path.with_suffix(".tmp")
    beside.write_text("".join(lines), encoding="utf-8")
    os.replace(beside, path)


def _sections(constants: Constants) -> Iterator[tuple[str, Any]]:
    for each in fields(constants):
        section = getattr(constants, each.name)
        if isinstance(section, str):
            continue
        if isinstance(section, Mapping):
            for model, arithmetic in section.items():
                yield f"{each.name}.{model}", arithmetic
        else:
            yield each.name, section


def _section(kind: type[T], found: Mapping[str, Any]) -> T:
    """Raises TypeError for a constant that is missing, unknown or no number."""
    section = kind(**found)
    for name, value in found.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{name} = {value!r} is no number")
    return section
