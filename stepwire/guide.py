"""What `stepwire --help` says beside each command's own words: sections, examples, pages.

Commands are loaded when they are called; this is known before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """A command that a section lists."""

    page: str
    """From the root of the project."""
    examples: tuple[str, ...]
    """Command lines; a comment behind # says what one gets."""

    def epilog(self) -> str:
        """As click takes it, which fills a paragraph unless a backspace stands before it."""
        lines = "\n".join(f"  {example}" for example in self.examples)
        return f"\b\nExamples:\n{lines}\n\nMore: {self.page}"


SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Serve and operate": {
        "serve": Entry(
            "docs/operating.md",
            (
                "stepwire serve --repository model_repository",
                "stepwire serve --store sqlite:streams.db      # streams outlive a crash",
                "stepwire serve --http-listen 127.0.0.1:8080   # /metrics and /readyz",
            ),
        ),
        "models": Entry(
            "docs/model-versions.md",
            (
                "stepwire models list",
                "stepwire models --server localhost:50051 describe pendulum-gru",
                "stepwire models load pendulum-gru --swap handover",
            ),
        ),
        "token": Entry(
            "docs/security.md",
            (
                "stepwire token robot-7 --add tokens.toml",
                "stepwire token gateway --models 'pendulum-*' --namespace plant-a",
            ),
        ),
    },
    "Train and export": {
        "train": Entry(
            "docs/models.md",
            (
                "stepwire train sine --cell gru --hidden 32 --name my-sine",
                "stepwire train forecast --csv sales.csv",
                "stepwire train pendulum --help                # the options of a task",
            ),
        ),
        "export": Entry(
            "docs/own-model.md",
            (
                "stepwire export runs/my-sine --to model_repository",
                "stepwire export my_package.my_module:build --weights weights.safetensors",
                "stepwire export runs/text --quantize int8",
            ),
        ),
        "compare": Entry(
            "docs/compare.md",
            ("stepwire compare adding --length 100", "stepwire compare sine --seeds 5"),
        ),
        "inspect": Entry(
            "docs/foreign-onnx.md",
            ("stepwire inspect model.onnx", "stepwire inspect model.onnx --toml model.toml"),
        ),
    },
    "Play": {
        "demo": Entry(
            "docs/tasks/README.md",
            (
                "stepwire demo pendulum",
                "stepwire demo morse 'SOS' --speed max",
                "stepwire demo sine --connect localhost:50051  # at a server that runs",
            ),
        ),
        "generate": Entry(
            "docs/tasks/text.md",
            ("stepwire generate --characters 300", "stepwire generate --prompt 'def ' --seed 3"),
        ),
        "sales": Entry(
            "docs/tasks/forecast.md", ("stepwire sales sales.csv", "stepwire sales a.csv --seed 1")
        ),
    },
    "Load, record and replay": {
        "load": Entry(
            "docs/load.md",
            (
                "stepwire load localhost:50051 --model sine-gru --streams 64 --rate 50",
                "stepwire load --model sine-gru --closed-loop --report load.html",
                "stepwire load --model sine-gru --fail-if 'p99>5ms'",
                "stepwire load --model sine-gru --find-max 'p99<10ms'",
            ),
        ),
        "record": Entry(
            "docs/record.md",
            (
                "stepwire record localhost:50052 --from localhost:50051 --to robot.rec",
                "stepwire record --show robot.rec              # what is in it",
            ),
        ),
        "replay": Entry(
            "docs/record.md",
            (
                "stepwire replay robot.rec localhost:50051     # at the recorded times",
                "stepwire replay robot.rec --speed 2 --report replay.html",
                "stepwire replay robot.rec --fast --model pendulum-lstm --atol 0.01",
            ),
        ),
    },
    "Shell": {
        "completion": Entry(
            "docs/shell.md",
            (
                'eval "$(stepwire completion bash)"            # in ~/.bashrc',
                'eval "$(stepwire completion zsh)"             # in ~/.zshrc',
                "stepwire completion fish | source             # in config.fish",
            ),
        ),
    },
}


def entry_of(command: str) -> Entry | None:
    for commands in SECTIONS.values():
        if command in commands:
            return commands[command]
    return None
