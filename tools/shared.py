"""A pytest plugin: where the shared folder is there, the whole run must have used it.

    python -m pytest -p tools.shared

Without it, a suite whose shared tests all vanished or were skipped would still be green.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def folder() -> Path:
    """Where the shared data is expected: `$UNMASK_SHARED`, else `shared` beside the project."""
    return Path(os.environ.get("UNMASK_SHARED", ROOT.parent / "shared"))


class SharedUse:
    """Counts the tests marked `shared` that passed, and fails the run that had none."""

    def __init__(self, shared: Path) -> None:
        self.shared = shared
        self.passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed and "shared" in report.keywords:
            self.passed += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unused() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.unused():
            terminalreporter.write_line(f"FAILED: {self.shared} is there, but no test marked `shared` passed", red=True)

    def unused(self) -> bool:
        return self.shared.is_dir() and self.passed == 0


def pytest_configure(config: pytest.Config) -> None:
    """Join the run; where workers share it, only the one process that hears of all tests."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SharedUse(folder()))
