"""Every check that a change must pass, one after another: format, lint, types, layers, budgets, unit tests.

    python tools/check.py [--fix] [--no-tests]

All of them run even when one fails; then the exit code is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
Step = tuple[str, Sequence[str]]


def steps(*, fix: bool, tests: bool) -> list[Step]:
    """The checks in order, each with its command; `fix` lets ruff mend what it can."""
    listed: list[Step] = [
        ("format", [PYTHON, "-m", "ruff", "format", *([] if fix else ["--check"]), "."]),
        ("lint", [PYTHON, "-m", "ruff", "check", *(["--fix"] if fix else []), "."]),
        ("types", [PYTHON, "-m", "mypy"]),
        ("layers", [PYTHON, "tools/layers.py"]),
        ("budgets", [PYTHON, "tools/budget.py"]),
    ]
    if tests:
        listed.append(("unit tests", [PYTHON, "-m", "pytest", "tests/unit", "-m", "not slow"]))
    return listed


def run(listed: Sequence[Step], folder: Path) -> list[str]:
    """Run every step in `folder`, print its verdict and seconds (and, if it failed, all it said); the failed names."""
    failed = []
    for name, command in listed:
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        verdict = "FAILED" if done.returncode else "ok"
        print(f"{name:<12}{verdict:<8}{time.perf_counter() - start:6.1f} s", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout.rstrip(), flush=True)
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks of this project; 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fix", action="store_true", help="let ruff format and mend first")
    parser.add_argument("--no-tests", action="store_true", help="leave the unit tests out")
    options = parser.parse_args(arguments)
    failed = run(steps(fix=options.fix, tests=not options.no_tests), ROOT)
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
