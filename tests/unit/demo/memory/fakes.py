"""A served network's stream, made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from stepwire.sync import Stream


class FakeStream:
    """Answers every step with the same outputs; keeps what it was sent."""

    def __init__(
        self,
        outputs: npt.ArrayLike = (),
        *,
        features: tuple[str, ...] = (),
        symbols: tuple[str, ...] = (),
    ) -> None:
        """Without features and symbols it takes no input."""
        taken = SimpleNamespace(features=features, symbols=symbols)
        self.signature = SimpleNamespace(inputs=(taken,) if features or symbols else ())
        self.sent: list[npt.ArrayLike] = []
        self._outputs = np.array(outputs)

    def step(self, message: npt.ArrayLike) -> npt.NDArray[Any]:
        self.sent.append(message)
        return self._outputs

    @property
    def stream(self) -> Stream:
        return cast(Stream, self)
