from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_onnxruntime_is_told_to_report_nothing_before_it_loads(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    program = "import os, service.runtime.graph; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert not list(tmp_path.rglob("onnxruntime.db"))
