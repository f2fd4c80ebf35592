"""The sine demo's picture: lines when piped, two strips on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from demo.sine.loop import Moment
from demo.sine.view import LINE_EVERY, Scene, watching
from models.tasks.sine.wave import AHEAD, HEARD

MOMENTS = [
    Moment(step, given=0.5, answer=-0.25, true=-0.5, heard=step < HEARD)
    for step in range(HEARD + AHEAD - 1)
]


def test_without_a_terminal_some_moments_are_lines() -> None:
    text = StringIO()
    with watching(Console(file=text), "sine-gru") as show:
        for moment in MOMENTS:
            show(moment)
    lines = text.getvalue().splitlines()
    assert len(lines) == -(-len(MOMENTS) // LINE_EVERY) + 1
    assert lines[0] == "timestep   0  heard +0.50  next: foretold -0.25, true -0.50"
    assert lines[-1].startswith("timestep 126  fed back +0.50")


def test_a_terminal_shows_what_is_heard_and_what_is_foretold() -> None:
    scene = Scene("sine-gru")
    console = Console(file=StringIO(), width=80)

    def shown(moment: Moment) -> tuple[str, list[int]]:
        scene.add(moment)
        with console.capture() as drawn:
            console.print(scene.draw())
        strips = drawn.get().split("foretold, a timestep ahead")
        return drawn.get(), [sum("\u2800" < sign <= "\u28ff" for sign in strip) for strip in strips]

    text, dots = shown(MOMENTS[0])
    assert "sine-gru" in text and "hears the sine" in text and dots == [1, 1]
    text, dots = shown(MOMENTS[-1])
    assert "goes on by itself" in text and dots == [1, 2]
    lines = text.splitlines()
    assert len(lines) < 24 and max(map(len, lines)) <= 80  # with room for the closing line
