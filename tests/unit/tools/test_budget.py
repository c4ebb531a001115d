"""The line budgets, on small trees that each exceed one."""

from __future__ import annotations

from pathlib import Path

from tools.budget import excesses


def write(root: Path, name: str, lines: int, *, start: str = "") -> None:
    """A file of `lines` lines, `start` first and the rest comments."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    first = start.splitlines()
    path.write_text("\n".join([*first, *["# filler"] * (lines - len(first))]) + "\n", encoding="utf-8")


def function(lines: int) -> str:
    """A function of `lines` lines, its head included."""
    return "\n".join(["def long():", *["    pass"] * (lines - 1)])


def test_a_tree_that_fills_its_budgets_exactly_passes(tmp_path: Path) -> None:
    write(tmp_path, "unmask/model.py", 400, start=function(60))
    write(tmp_path, "unmask/families/llama.py", 150)
    for index in range(10):
        write(tmp_path, f"unmask/core/part{index}.py", 300)
    assert excesses(tmp_path) == []


def test_a_long_file_is_named_with_its_size_and_excess(tmp_path: Path) -> None:
    write(tmp_path, "tools/check.py", 401)
    assert excesses(tmp_path) == ["tools/check.py has 401 lines, 1 over its budget of 400"]


def test_a_long_function_is_named_even_inside_a_class(tmp_path: Path) -> None:
    method = "class A:\n" + "\n".join(f"    {line}" for line in function(75).splitlines())
    write(tmp_path, "bench/generate.py", 90, start=method)
    assert excesses(tmp_path) == ["bench/generate.py:2: long() has 75 lines, 15 over its budget of 60"]


def test_a_family_has_a_smaller_budget(tmp_path: Path) -> None:
    write(tmp_path, "unmask/families/glm.py", 160)
    assert excesses(tmp_path) == ["unmask/families/glm.py has 160 lines, 10 over its budget of 150"]


def test_the_core_has_a_budget_for_all_its_files_together(tmp_path: Path) -> None:
    for index in range(9):
        write(tmp_path, f"unmask/core/part{index}.py", 400)
    assert excesses(tmp_path) == ["unmask/core has 3,600 lines, 100 over its budget of 3,500"]


def test_the_package_has_a_budget_for_all_its_files_together(tmp_path: Path) -> None:
    for index in range(126):
        write(tmp_path, f"unmask/apps/app{index}.py", 400)
    assert excesses(tmp_path) == ["unmask has 50,400 lines, 400 over its budget of 50,000"]
