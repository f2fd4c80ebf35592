"""Sequences: streams that are known by a model and an id alone, as Triton's clients know them."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from service.core.errors import InvalidRequest
from service.core.streams import StreamKey

TOKEN: Final = bytes(16)
"""Of every sequence: its id is all that its clients have."""
_LONGEST_ID = 128


def sequence_key(namespace: str, model: str, id_: int | str) -> StreamKey:
    """The stream of a sequence. 7 and "7" are two, and neither is a stream's own id, which has
    no slash. Raises InvalidRequest.
    """
    if isinstance(id_, int):
        return StreamKey(namespace, f"{model}/int/{id_}")
    if len(id_) > _LONGEST_ID:
        raise InvalidRequest(
            f"a sequence id has at most {_LONGEST_ID} characters, this one {len(id_)}"
        )
    return StreamKey(namespace, f"{model}/string/{quote(id_, safe='')}")


def lone_key(namespace: str, model: str, number: int) -> StreamKey:
    """Of the one timestep of a model without states, which belongs to no sequence.

    `number`: of its own among all in any process.
    """
    return StreamKey(namespace, f"{model}/none/{number:x}")
