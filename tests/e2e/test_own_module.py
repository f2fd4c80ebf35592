"""A module of the user's own, from a package in a folder to a live stream."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_model
from torch import Tensor, nn

import stepwire
from export.command import export
from service.core.model import Array
from tests import own_modules
from torture.processes import Server, running

STEPS = 60
Inputs = tuple[Tensor, ...]
"""Each [T, *shape]."""


def batched(module: nn.Module, inputs: Inputs) -> Tensor | dict[str, Tensor]:
    """One sequence through a forward of [B, T, ...]; the state that it may also return left out."""
    given = module(*(x.unsqueeze(0) for x in inputs))
    if isinstance(given, dict):
        return {name: y[0] for name, y in given.items()}
    given = given[0] if isinstance(given, tuple) else given
    return given[0]  # type: ignore[no-any-return]


def time_first(module: nn.Module, inputs: Inputs) -> Tensor:
    return module(inputs[0].unsqueeze(1))[:, 0]  # type: ignore[no-any-return]


def by_prefixes(module: nn.Module, inputs: Inputs) -> Tensor:
    return torch.cat([module(inputs[0][None, :end]) for end in range(1, STEPS + 1)])


def by_loop(module: own_modules.OwnCell, inputs: Inputs) -> Tensor:
    h, count, outputs = module.start[None], torch.zeros(1, 1), []
    for x in inputs[0]:
        y, (h, count) = module.step(x[None], h, count)
        outputs.append(y[0])
    return torch.stack(outputs)


WHOLE: dict[type[nn.Module], Callable[..., Tensor | dict[str, Tensor]]] = {
    own_modules.SequenceGRU: batched,
    own_modules.DeepLSTM: batched,
    own_modules.LearnedStart: time_first,
    own_modules.LastStep: by_prefixes,
    own_modules.TwoLayers: batched,
    own_modules.TwoInputs: batched,
    own_modules.OwnCell: by_loop,
}


def made(kind: type[nn.Module]) -> nn.Module:
    """The same weights each time, which no `kind()` has by itself."""
    torch.manual_seed(20)
    return kind().eval()


def inputs_of(kind: type[nn.Module]) -> dict[str, Tensor]:
    readings = torch.randn(STEPS, 3, generator=torch.Generator().manual_seed(1))
    if kind is own_modules.TwoInputs:
        return {"reading": readings, "kind": torch.arange(STEPS) * 3 % 4}
    return {"x": readings[:, :2] if kind is own_modules.OwnCell else readings}


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves every module above, exported by the command from a package in its folder."""
    home = tmp_path_factory.mktemp("home")
    (home / "mine").mkdir()
    shutil.copy(own_modules.__file__, home / "mine" / "networks.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setattr(sys, "path", [*sys.path])  # the command adds to it
        for kind in WHOLE:
            save_model(made(kind), "weights.safetensors")
            command = [f"mine.networks:{kind.__name__}", "--weights", "weights.safetensors"]
            result = CliRunner().invoke(export, [*command, "--name", kind.__name__])
            assert result.exit_code == 0, (kind, result.output)
    with running(home / "model_repository", log=home / "log") as server:
        yield server


async def streamed(
    client: stepwire.Client, model: str, inputs: dict[str, Array]
) -> dict[str, Array]:
    """The outputs of one stream, each stacked."""
    lone = len(inputs) == 1
    moments = []
    async with client.stream(model) as stream:
        for place in range(STEPS):
            now = {name: array[place] for name, array in inputs.items()}
            y = await stream.step(next(iter(now.values())) if lone else now)
            moments.append(y if isinstance(y, dict) else {"output": y})
    return {name: np.stack([moment[name] for moment in moments]) for name in moments[0]}


@pytest.mark.parametrize("kind", WHOLE, ids=lambda kind: kind.__name__)
async def test_streamed_equals_the_modules_own_forward(
    own_server: Server, kind: type[nn.Module]
) -> None:
    inputs = inputs_of(kind)
    with torch.no_grad():
        expected = WHOLE[kind](made(kind), tuple(inputs.values()))
    expected = expected if isinstance(expected, dict) else {"output": expected}
    async with stepwire.connect(own_server.address) as client:
        outputs = await streamed(
            client, kind.__name__, {name: x.numpy() for name, x in inputs.items()}
        )
    assert outputs.keys() == expected.keys()
    for name, output in outputs.items():
        np.testing.assert_allclose(output, expected[name].numpy(), rtol=0, atol=1e-5)
