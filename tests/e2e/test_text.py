"""The text task, from its page to a served model that writes."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepwire.sync
from models.tasks.text.characters import encoded
from models.tasks.text.corpus import corpus
from tests.pages import Page, ran
from torture.processes import Server

PAGE = Page("docs/tasks/text.md")
MODEL = "text-gru"
TINY = "--hidden 8 --rounds 1 --batches 1 "


def generated(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(str(Path(sys.executable).parent / "stepwire"), "generate"),
            *("--connect", server.address, *arguments),
        ],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )


def test_a_text_of_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "my_texts"
    folder.mkdir()
    (folder / "a.txt").write_text("Once upon a time a stream had a state.\n" * 800)
    script = PAGE.block("sh", "--text my_texts")
    assert "stepwire train text " in script
    done = ran(script.replace("stepwire train text ", f"stepwire train text {TINY}"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "bits per character" in done.stdout
    assert re.search(r"^Once \S", done.stdout, re.MULTILINE)


def test_the_bundled_model_writes_like_python(bundled: Server) -> None:
    done = generated(bundled, "--prompt", "import ", "--characters", "400")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == len("import ") + 400 + len("\n")
    assert done.stdout.startswith("import ")
    assert re.search(r"\b(def|return|self|import|if)\b", done.stdout.removeprefix("import "))
    assert re.fullmatch(
        r"400 characters, \d+ a second; mean round trip [\d.]+ ms\n", done.stderr
    ), done.stderr


def test_the_same_seed_writes_the_same(bundled: Server) -> None:
    texts = [
        generated(bundled, "--characters", "60", "--seed", seed).stdout for seed in ("3", "3", "4")
    ]
    assert texts[0] == texts[1] != texts[2]


def test_an_unknown_character_of_the_prompt_is_replaced_and_said(bundled: Server) -> None:
    done = generated(bundled, "--prompt", "x = ☃", "--characters", "5")
    assert done.returncode == 0
    assert done.stdout.startswith("x = \ufffd")
    assert done.stderr.startswith(f"{MODEL} does not know '☃': replaced\n")


def test_a_model_that_does_not_write_is_one_line(bundled: Server) -> None:
    done = generated(bundled, "--model", "sine-gru")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "name a --model that takes a character" in done.stderr


def test_a_reader_that_has_enough_ends_it_quietly(bundled: Server) -> None:
    done = ran(
        f"stepwire generate --connect {bundled.address} --characters 5000 --prompt abcdef"
        " | head -c 3 || true"
    )
    assert done.stdout == "abc"
    assert "Traceback" not in done.stderr


async def test_the_snippet_of_the_page(bundled: Server) -> None:
    source = PAGE.block("python", "stepwire.connect").replace("localhost:50051", bundled.address)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    names: dict[str, Any] = {}
    running_block = eval(compile(source, "text.md", "exec", flags=flags), names)
    assert inspect.iscoroutine(running_block)
    await running_block
    assert np.exp(names["log_probabilities"]).sum() == pytest.approx(1, abs=1e-4)


def test_served_it_foresees_held_out_text(bundled: Server) -> None:
    with (
        stepwire.sync.connect(bundled.address) as client,
        client.stream(MODEL) as stream,
    ):
        codes = encoded(corpus(None).held_out, stream.signature.inputs[0].symbols)[5000:5500]
        bits = [
            -stream.step(int(code))[following] / np.log(2) for code, following in pairwise(codes)
        ]
    assert np.mean(bits) < 2.5  # trigrams need as much, and no character at random below 6


def test_without_a_prompt_it_starts_a_line(bundled: Server) -> None:
    alone, after = (
        generated(bundled, "--characters", "40", *prompt).stdout
        for prompt in ((), ("--prompt", "\n"))
    )
    assert after == f"\n{alone}"


def test_a_terminal_without_the_replacement_is_no_obstacle(bundled: Server) -> None:
    done = ran(
        "PYTHONIOENCODING=latin-1 stepwire generate --prompt ☃ --characters 3"
        f" --connect {bundled.address}"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("?")
