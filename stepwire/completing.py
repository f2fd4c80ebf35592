"""What a shell completes: the names of models, where they are quickly known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import grpc
from click.shell_completion import CompletionItem

from stepwire.channel import is_loopback
from stepwire.v1 import repository_pb2 as pb
from stepwire.v1 import repository_pb2_grpc as pb_grpc

PATIENCE = 0.5
"""Seconds that a server may take to list its models, while somebody looks at the prompt."""


def model_names(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Of the server that the command line names, if it is on this machine, or else on disk."""
    given = _given(context)
    addresses = [given[name] for name in ("server", "address", "connect") if given.get(name)]
    names = [name for address in addresses for name in _served(str(address))]
    found = names or _on_disk(Path(str(given.get("repository") or "model_repository")))
    return [CompletionItem(name) for name in sorted(set(found)) if name.startswith(incomplete)]


def _given(context: click.Context | None) -> dict[str, object]:
    """The command line so far: of the command, and of the groups that it is in."""
    given: dict[str, object] = {}
    while context:
        given = {**context.params, **given}
        context = context.parent
    return given


def _served(address: str) -> list[str]:
    """Empty where the server does not answer, or asks for more than an address."""
    if not is_loopback(address):
        return []
    with grpc.insecure_channel(address) as channel:
        try:
            stub = pb_grpc.ModelRepositoryStub(channel)
            answer = stub.List(pb.ListModelsRequest(), timeout=PATIENCE)
        except grpc.RpcError:
            return []
    return [each.model for each in answer.versions]


def _on_disk(repository: Path) -> Iterator[str]:
    return (package.parents[1].name for package in repository.glob("*/*/model.onnx"))
