"""Small networks: a second thread costs more than it brings, above all on a busy machine."""

import torch

from tests.unit.export.user import user

torch.set_num_threads(1)

__all__ = ["user"]
