"""Hold the package to its import rule: what lies to the left may be imported, never what lies to the right or beside.

    python tools/layers.py

Exit code 1 and one line for each import that breaks the rule. The order is explained in docs/tour.md.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ORDER: tuple[tuple[str, ...], ...] = (
    ("base",),
    ("native",),
    ("text", "core"),
    ("checkpoints",),
    ("adapters", "quantization", "data", "baselines"),
    ("lowering",),
    ("families",),
    ("generation",),
    ("evaluation",),
    ("training",),
    ("engine",),
    ("views",),
    ("model", "translator"),
    ("apps",),
    ("server",),
    ("web",),
    ("recipes",),
    ("cli",),
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}
TORCHLESS = ("base/", "text/", "native/library.py", "native/chunks.py", "engine/blocks.py", "engine/scheduler.py")
# The package's own name hands out what `model` offers, so importing it counts as importing that.
FACE = "model"


@dataclass(frozen=True)
class Import:
    """One imported module: its full dotted name, its line, and whether importing the file runs it."""

    module: str
    line: int
    runs: bool


def violations(package: Path) -> list[str]:
    """What breaks the rule in the package folder, a line each: file, line number, rule. Empty when all is well."""
    return [
        f"{path.relative_to(package.parent).as_posix()}:{message}"
        for path in sorted(package.rglob("*.py"))
        for message in file_violations(path, package)
    ]


def file_violations(path: Path, package: Path) -> Iterator[str]:
    """Yield "line: rule" for each import of one file that breaks a rule."""
    place = path.relative_to(package)
    part = part_of(place)
    if part is not None and part not in RANK:
        yield f"1: {part!r} has no place in the order of layers; give it one in tools/layers.py"
        return
    for found in imports(path, package):
        name, _, rest = found.module.partition(".")
        if name == package.name:
            target = rest.split(".")[0] or FACE
            if part is None and found.runs:
                yield f"{found.line}: {package.name}/__init__.py must be lazy, but imports {found.module} at once"
            elif part is not None and (broken := broken_rule(part, target)):
                yield f"{found.line}: {broken}"
        elif name == "torch" and found.runs and (part is None or place.as_posix().startswith(TORCHLESS)):
            yield f"{found.line}: {place.as_posix()} may not import torch at once; do it inside a function"


def part_of(place: Path) -> str | None:
    """The layer a file of the package belongs to; None for the package's own `__init__.py`, which is free."""
    first = place.parts[0].removesuffix(".py")
    return {"__init__": None, "__main__": "cli"}.get(first, first)


def broken_rule(part: str, target: str) -> str | None:
    """Why `part` may not import `target`, or None where it may."""
    if part == target:
        return None
    if target not in RANK:
        return f"{part} imports {target!r}, which has no place in the order of layers; give it one in tools/layers.py"
    if RANK[part] == RANK[target]:
        return f"{part} may not import {target}: they are siblings ({' | '.join(ORDER[RANK[part]])})"
    if RANK[part] < RANK[target]:
        return f"{part} may not import {target}: imports only go left, {part} <- {target}"
    return None


def imports(path: Path, package: Path) -> list[Import]:
    """Every import of one file, `from x import y` as x.y where y is a part or x is the package itself."""
    collector = Collector(path.relative_to(package.parent).with_suffix("").parts, package)
    collector.visit(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    return collector.found


class Collector(ast.NodeVisitor):
    """Gathers imports, and knows which of them wait: those in functions and under TYPE_CHECKING."""

    def __init__(self, module: tuple[str, ...], package: Path) -> None:
        self.module = module
        self.package = package
        self.waiting = False
        self.found: list[Import] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self.module[: -node.level] if node.level else ()
        source = ".".join((*above, *([node.module] if node.module else [])))
        if source != self.package.name:
            self.add(source, node)
            return
        for alias in node.names:
            part = self.package / alias.name
            inside = part.is_dir() or part.with_suffix(".py").is_file()
            self.add(f"{source}.{alias.name}" if inside else source, node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.wait(node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.wait(node.body)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) not in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            self.generic_visit(node)
            return
        self.wait(node.body)
        for statement in node.orelse:
            self.visit(statement)

    def wait(self, body: list[ast.stmt]) -> None:
        before, self.waiting = self.waiting, True
        for statement in body:
            self.visit(statement)
        self.waiting = before

    def add(self, module: str, node: ast.stmt) -> None:
        self.found.append(Import(module, node.lineno, not self.waiting))


def main() -> int:
    """Check this project's package; the number of broken rules decides the exit code."""
    broken = violations(ROOT / "unmask")
    for line in broken:
        print(line)
    return min(len(broken), 1)


if __name__ == "__main__":
    sys.exit(main())
