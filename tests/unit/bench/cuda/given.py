"""Small networks, and a device whose memory is not the host's."""

from __future__ import annotations

from bench.package import Network
from service.runtime.device import Cpu

GRU = Network("gru", "GRU", features=3, hidden=4)
GRU_2 = Network("gru-2", "GRU", features=3, hidden=8, layers=2)
LSTM_2 = Network("lstm-2", "LSTM", features=3, hidden=8, layers=2)


class Apart(Cpu):
    """Computes as the CPU does, and counts as a device across a bus."""

    name, is_host = "apart", False
