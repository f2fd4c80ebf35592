"""What the fused operators cannot be is said, not exported."""

from __future__ import annotations

import pytest

from export.fused_ops import translations
from export.source import ExportRefused


@pytest.mark.parametrize("operator", translations(), ids=str)
def test_a_bidirectional_layer_has_no_translation(operator: object) -> None:
    [translate] = [made for torchs, made in translations().items() if torchs is operator]
    with pytest.raises(ExportRefused, match="no single timestep"):
        translate(None, None, [], True, 1, 0.0, False, True, False)
