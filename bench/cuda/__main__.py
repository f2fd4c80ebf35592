"""`python -m bench.cuda`: measures the device path, prints its tables, writes docs/cuda.md's."""

import signal
import sys

from bench.cuda.command import cuda

# What was measured so far is printed.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
cuda(prog_name="python -m bench.cuda")
