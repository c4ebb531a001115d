"""The import rule, on small packages that each break one part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.layers import violations


def package(folder: Path, files: dict[str, str]) -> Path:
    """A package `unmask` in `folder` with these files: name inside the package -> source."""
    root = folder / "unmask"
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source + "\n", encoding="utf-8")
    return root


def test_what_lies_to_the_left_may_be_imported(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        {
            "core/masks.py": "import torch\nfrom unmask.base.errors import MaskError",
            "families/llama.py": "from unmask.core.masks import Causal\nfrom unmask.families.gpt import gpt",
            "cli/chat.py": "from unmask.model import load\nimport unmask",
        },
    )
    assert violations(root) == []


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("\nfrom unmask.model import load", "2: core may not import model: imports only go left, core <- model"),
        ("from unmask.text.chat import x", "1: core may not import text: they are siblings (text | core)"),
        ("def f():\n    import unmask.cli.main", "2: core may not import cli: imports only go left, core <- cli"),
        ("from unmask import text", "1: core may not import text: they are siblings (text | core)"),
        ("from unmask import load", "1: core may not import model: imports only go left, core <- model"),
        ("import unmask", "1: core may not import model: imports only go left, core <- model"),
        ("from ..text import chat", "1: core may not import text: they are siblings (text | core)"),
        ("from .. import text", "1: core may not import text: they are siblings (text | core)"),
        ("import unmask.gadgets", "1: core imports 'gadgets', which has no place in the order of layers"),
    ],
)
def test_an_import_to_the_right_or_beside_is_named_with_file_line_and_rule(
    tmp_path: Path, source: str, rule: str
) -> None:
    root = package(tmp_path, {"core/masks.py": source, "text/chat.py": ""})
    (message,) = violations(root)
    assert message.startswith(f"unmask/core/masks.py:{rule}")


def test_an_import_for_type_checking_only_still_obeys_the_order(tmp_path: Path) -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from unmask.model import Model"
    assert (
        "unmask/text/chat.py:3: text may not import model" in violations(package(tmp_path, {"text/chat.py": source}))[0]
    )


@pytest.mark.parametrize("place", ["base/runtime.py", "text/stream.py", "engine/blocks.py", "engine/scheduler.py"])
@pytest.mark.parametrize("source", ["import torch", "from torch.nn import Module", "class A:\n    import torch.nn"])
def test_torch_is_kept_out_of_the_parts_that_must_start_fast(tmp_path: Path, place: str, source: str) -> None:
    (message,) = violations(package(tmp_path, {place: source}))
    assert f"{place} may not import torch at once" in message


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import torch",
        "async def f():\n    import torch",
        "import typing\nif typing.TYPE_CHECKING:\n    import torch",
        "import torchless",
    ],
)
def test_torch_may_come_late_or_for_types(tmp_path: Path, source: str) -> None:
    assert violations(package(tmp_path, {"base/runtime.py": source})) == []


def test_the_other_branch_of_type_checking_runs(tmp_path: Path) -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import torch"
    assert "runtime.py:5:" in violations(package(tmp_path, {"base/runtime.py": source}))[0]


def test_the_rest_of_the_engine_may_import_torch(tmp_path: Path) -> None:
    assert violations(package(tmp_path, {"engine/runner.py": "import torch"})) == []


def test_the_package_itself_may_hand_out_anything_but_lazily(tmp_path: Path) -> None:
    lazy = "def __getattr__(name):\n    from unmask.model import load\n    return load"
    assert violations(package(tmp_path / "lazy", {"__init__.py": lazy})) == []
    (message,) = violations(package(tmp_path / "eager", {"__init__.py": "from unmask.model import load"}))
    assert message == "unmask/__init__.py:1: unmask/__init__.py must be lazy, but imports unmask.model at once"


def test_a_part_without_a_layer_is_refused(tmp_path: Path) -> None:
    (message,) = violations(package(tmp_path, {"gadgets/lamp.py": "import os"}))
    assert message.startswith("unmask/gadgets/lamp.py:1: 'gadgets' has no place in the order of layers")
