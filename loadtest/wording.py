"""Figures in words, rounded as people read them."""

from __future__ import annotations

from collections.abc import Callable

Words = Callable[[float], str]
"""A figure in words."""


def duration(seconds: float) -> str:
    """Three digits: 842 µs, 3.07 ms, 1.25 s."""
    if seconds < 0.9995e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{_three_digits(seconds * 1e3)} ms"
    return f"{_three_digits(seconds)} s"


def tick(seconds: float) -> str:
    """Of an axis, whose marks are round: 50 ms."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= 0.9999 * scale:
            return f"{seconds / scale:g} {unit}"
    return f"{seconds * 1e6:g} µs"


def rate(per_second: float) -> str:
    return f"{number(per_second)}/s"


def steps(per_second: float) -> str:
    return f"{number(per_second)} steps/s"


def share(value: float) -> str:
    """As a percentage; what is not none does not read as none."""
    if value == 0:
        return "0%"
    if 0 < value < 0.0001:
        return "< 0.01%"
    return f"{value:.2%}" if value < 0.1 else f"{value:.1%}"


def number(value: float) -> str:
    """Whole where that says enough."""
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.0f}" if value >= 1000 else _three_digits(value)


def counted(count: int, noun: str) -> str:
    """1 stream, 1,024 streams."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(count: int) -> str:
    """Of so many bytes: 842 bytes, 3.07 MB."""
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= 0.9995 * scale:
            return f"{_three_digits(count / scale)} {unit}"
    return f"{count} bytes"


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02d}"


def _three_digits(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
