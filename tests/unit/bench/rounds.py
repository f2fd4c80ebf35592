"""Rounds as a server might give them."""

from bench.load import Round


def a_round(rate: float = 1000.0, cpu_us: float = 50.0) -> Round:
    return Round(rate=rate, p50_us=100.0, p99_us=200.0, cpu_us=cpu_us)
