"""`python -m bench.scaling`: measures the constants, does the sums, simulates, and checks both."""

from bench.scaling.command import scaling

scaling(prog_name="python -m bench.scaling")
