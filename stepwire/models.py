"""`stepwire models`: which model versions a server has, and which it shall have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

import click
import grpc

from stepwire import errors
from stepwire.channel import Metadata, ReadableCredential, Security, open_channel
from stepwire.completing import model_names
from stepwire.refused import Refused
from stepwire.v1 import repository_pb2 as pb
from stepwire.v1 import repository_pb2_grpc as pb_grpc

Answer = TypeVar("Answer")
Ask: TypeAlias = "Callable[[pb_grpc.ModelRepositoryAsyncStub, Metadata], Awaitable[Answer]]"

_MESSAGE_BYTES = 64 * 2**20
_SWAPS = {"drain": pb.SWAP_DRAIN, "handover": pb.SWAP_HANDOVER, None: pb.SWAP_UNSPECIFIED}
_STATE_PREFIX, _BATCHING_PREFIX = "STATE_", "BATCHING_"


@click.group(short_help="List, describe, load and unload the models of a server.")
@click.option("--server", default="localhost:50051", show_default=True, metavar="HOST:PORT")
@click.option("--tls", is_flag=True, help="The server has a certificate that gRPC knows.")
@click.option("--ca", type=click.Path(path_type=Path), help="PEM file: who signs certificates.")
@click.option("--certificate", type=click.Path(path_type=Path), help="PEM file: of this client.")
@click.option("--key", type=click.Path(path_type=Path), help="PEM file: of this client.")
@click.option(
    "--credential-file",
    type=click.Path(path_type=Path),
    help="File with the bearer token.  [else: the variable STEPWIRE_CREDENTIAL]",
)
@click.option("--credential", envvar="STEPWIRE_CREDENTIAL", hidden=True)
@click.option(
    "--plaintext-credential", is_flag=True, help="Send the credential unencrypted, to any machine."
)
@click.pass_context
def models(
    context: click.Context,
    server: str,
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    credential_file: Path | None,
    credential: str | None,
    plaintext_credential: bool,
) -> None:
    """List, describe, load and unload the models of a server."""
    try:
        if credential_file:
            credential = credential_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refused(f"{credential_file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{credential_file}: it is no UTF-8") from error
    security = Security(
        tls=tls,
        ca=ca,
        certificate=certificate,
        key=key,
        credential=credential,
        plaintext_credential=plaintext_credential,
    )
    context.obj = _Server(server, security)


class _Server:
    def __init__(self, target: str, security: Security) -> None:
        self.target = target
        self._security = security

    def ask(self, ask: Ask[Answer]) -> Answer:
        """Raises Refused for whatever goes wrong."""
        try:
            return asyncio.run(self._ask(ask))
        except ReadableCredential as error:
            raise Refused(
                f"whoever is between here and {self.target} could read the credential: give --ca "
                "or --tls, or allow it by --plaintext-credential"
            ) from error
        except (ValueError, OSError) as error:
            raise Refused(str(error)) from error
        except grpc.aio.AioRpcError as failed:
            known = errors.from_call(failed.code(), failed.details(), failed.trailing_metadata())
            raise Refused(f"{self.target}: {known}") from failed

    async def _ask(self, ask: Ask[Answer]) -> Answer:
        async with open_channel(self.target, self._security, _MESSAGE_BYTES) as channel:
            stub: pb_grpc.ModelRepositoryAsyncStub = pb_grpc.ModelRepositoryStub(channel)
            return await ask(stub, self._security.metadata())


_version = click.option("--version", type=click.IntRange(min=1), default=None)


@models.command("list")
@click.argument("model", default="", shell_complete=model_names)
@click.pass_obj
def list_(server: _Server, model: str) -> None:
    """List the versions on disk and in service, of MODEL or of all."""
    request = pb.ListModelsRequest(model=model)
    answer = server.ask(lambda stub, metadata: stub.List(request, metadata=metadata))
    if model and not answer.versions:
        raise Refused(f"{server.target}: there is no model {model[:140]!r}, on disk or in service")
    _tell(answer.versions)


@models.command()
@click.argument("model", shell_complete=model_names)
@_version
@click.pass_obj
def describe(server: _Server, model: str, version: int | None) -> None:
    """Describe the tensors and the training of a version in service."""
    request = pb.DescribeModelRequest(model=model, version=version or 0)
    answer = server.ask(lambda stub, metadata: stub.Describe(request, metadata=metadata))
    for line in _description(answer):
        _say(line)


@models.command()
@click.argument("model", shell_complete=model_names)
@_version
@click.option(
    "--swap",
    type=click.Choice(["drain", "handover"]),
    help="What the streams of older versions do.  [default: as the server is set]",
)
@click.pass_obj
def load(server: _Server, model: str, version: int | None, swap: str | None) -> None:
    """Load a version from the server's disk, by default the newest."""
    request = pb.LoadModelRequest(model=model, version=version or 0, swap=_SWAPS[swap])
    answer = server.ask(lambda stub, metadata: stub.Load(request, metadata=metadata))
    _tell([answer.version])
    if answer.moved:
        _say(f"streams handed over: {answer.moved}")
    for note in answer.notes:
        _say(note)


@models.command()
@click.argument("model", shell_complete=model_names)
@_version
@click.pass_obj
def unload(server: _Server, model: str, version: int | None) -> None:
    """Have a version take no new streams, by default every one of MODEL."""
    request = pb.UnloadModelRequest(model=model, version=version or 0)
    answer = server.ask(lambda stub, metadata: stub.Unload(request, metadata=metadata))
    _tell(answer.versions)


def _tell(versions: Iterable[pb.ModelVersion]) -> None:
    for each in versions:
        state = pb.ModelVersion.State.Name(each.state).removeprefix(_STATE_PREFIX)
        said = state.lower().replace("_", " ")
        facts = [f"{each.model}/{each.version}", said, f"streams: {each.streams}"]
        facts += [f"digest {each.digest[:12]}"] if each.digest else []
        _say(", ".join(facts) + (f": {each.reason}" if each.reason else ""))


def _say(line: str) -> None:
    """A file's names are printed, never obeyed: a terminal takes some signs for commands."""
    click.echo("".join(sign if sign.isprintable() else "\ufffd" for sign in line))


def _description(model: pb.ModelDescription) -> Iterator[str]:
    batching = pb.ModelDescription.Batching.Name(model.batching).removeprefix(_BATCHING_PREFIX)
    yield f"{model.model}/{model.version}, digest {model.digest}"
    for kind, tensors in (
        ("input", model.inputs),
        ("output", model.outputs),
        ("state", model.states),
    ):
        for tensor in tensors:
            meaning = ", ".join(tensor.features or tensor.symbols)
            shape = f"{tensor.dtype}{list(tensor.shape)}"
            yield f"{kind} {tensor.name}: {shape}" + (f" ({meaning})" if meaning else "")
    yield f"streams in a run: {batching.lower().replace('_', ' ')}"
    for key, text in model.metadata.items():
        training = json.loads(text).get("training") if key == "stepwire" else text
        if training:
            yield f"{'training' if key == 'stepwire' else key}: {json.dumps(training)}"
