"""`python -m bench.cuda`: measures the device path, prints its tables, writes docs/cuda.md's."""

from bench.cuda.command import cuda

cuda(prog_name="python -m bench.cuda")
