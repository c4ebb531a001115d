"""Hold files, functions and parts to their line budgets: what no longer fits on a page wants to be split.

    python tools/budget.py

Exit code 1 and one line for each budget that is exceeded. Raising a budget needs a note in docs/decisions.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("unmask", "tools", "bench", "tests")
FILE = 400
FUNCTION = 60
FAMILY = 150
TOTALS = {"unmask/core": 3_500, "unmask": 50_000}


def excesses(root: Path) -> list[str]:
    """Every exceeded budget under the project folder `root`, a line each: what, how many lines, how many too many."""
    found: list[str] = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            found.extend(file_excesses(path, root))
    for folder, budget in TOTALS.items():
        lines = sum(count(path) for path in (root / folder).rglob("*.py"))
        found.extend(over(folder, lines, budget))
    return found


def file_excesses(path: Path, root: Path) -> Iterator[str]:
    """Yield what one file and its functions have too much."""
    name = path.relative_to(root).as_posix()
    yield from over(name, count(path), FAMILY if name.startswith("unmask/families/") else FILE)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield from over(f"{name}:{node.lineno}: {node.name}()", lines, FUNCTION)


def over(what: str, lines: int, budget: int) -> Iterator[str]:
    """Yield one message if `lines` exceed `budget`."""
    if lines > budget:
        yield f"{what} has {lines:,} lines, {lines - budget:,} over its budget of {budget:,}"


def count(path: Path) -> int:
    """The file's lines, blank ones and comments included."""
    return len(path.read_text(encoding="utf-8").splitlines())


def main() -> int:
    """Check this project; any excess makes the exit code 1."""
    found = excesses(ROOT)
    for line in found:
        print(line)
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
