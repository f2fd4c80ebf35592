"""What the streams of one connection share."""

from __future__ import annotations

from typing import NamedTuple

import grpc

from loadtest.inputs import Timesteps
from loadtest.load import Load
from stepwire.channel import Metadata


class Connection(NamedTuple):
    channel: grpc.aio.Channel
    metadata: Metadata
    load: Load
    timesteps: Timesteps
