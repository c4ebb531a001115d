"""Training that is killed goes on as if it never had been: the same losses and weights, to the bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_run_that_is_killed_after_any_step_or_in_any_save_ends_as_one_that_is_not(tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "tests" / "e2e" / "resumed.py"), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    for objective in ("causal", "masked", "blanks", "sequence"):
        assert f"{objective}: equal to the bit" in done.stdout
    places = int(done.stdout.split("killed at ")[1].split()[0])
    assert places >= 3 * 5  # three saves, each with its part, its note, its manifest and two folders
