"""What a training shows."""

from __future__ import annotations

import io

from rich.console import Console

from models.report import LINES, score_table, shown
from models.training import Progress


def printed(console: Console, batches: int) -> str:
    with shown(console, "sine gru") as show:
        for batch in range(1, batches + 1):
            show(Progress(batch, batches, loss=0.125))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_a_bar_with_the_loss_in_it() -> None:
    text = printed(Console(file=io.StringIO(), force_terminal=True, width=100), 40)
    assert "━" in text
    assert "40/40 batches  loss 0.1250" in text


def test_a_log_gets_a_few_lines() -> None:
    lines = printed(Console(file=io.StringIO(), force_terminal=False), 400).splitlines()
    assert len(lines) == LINES
    assert lines[-1] == "sine gru: batch 400/400, loss 0.1250"


def test_the_table_keeps_units_and_marks_what_was_not_measured() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(score_table("t", {"network": {"time [s]": 1.23456}, "rival": {"time [s]": None}}))
    assert isinstance(console.file, io.StringIO)
    row = next(line for line in console.file.getvalue().splitlines() if "time" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["time [s]", "1.235", "-"]
