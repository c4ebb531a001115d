"""The plugin that makes an unused shared folder a failure, on whole runs of pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
USING = "import pytest\n@pytest.mark.shared\ndef test_reads(): pass\n"
SKIPPED = "import pytest\n@pytest.mark.shared\ndef test_reads(): pytest.skip()\ndef test_other(): pass\n"


def outcome(folder: Path, source: str, shared: Path, *more: str) -> tuple[int, str]:
    """Exit code and output of pytest with the plugin, on one test file."""
    (folder / "test_one.py").write_text(source, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = shared\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tools.shared", "-p", "no:cacheprovider", *more, "."],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "UNMASK_SHARED": str(shared)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


def test_a_run_that_used_the_folder_passes(tmp_path: Path) -> None:
    assert outcome(tmp_path, USING, shared=tmp_path)[0] == 0


def test_a_run_that_skipped_every_shared_test_fails_and_says_so(tmp_path: Path) -> None:
    code, shown = outcome(tmp_path, SKIPPED, shared=tmp_path)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert f"{tmp_path} is there, but no test marked `shared` passed" in shown
    assert "1 passed, 1 skipped" in shown.splitlines()[-1]


def test_what_a_worker_used_counts_for_the_run(tmp_path: Path) -> None:
    assert outcome(tmp_path, USING, tmp_path, "-n", "1")[0] == 0


def test_a_run_without_the_folder_passes(tmp_path: Path) -> None:
    assert outcome(tmp_path, SKIPPED, shared=tmp_path / "absent")[0] == 0
