"""Where there is no C compiler, or one that fails, the package installs all the same, says so, and runs on PyTorch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "unmask")

USED = """
import torch
import unmask.native
from unmask.native.library import describe, library
from unmask.quantization.linear import QuantizedLinear
from unmask.quantization.products import multiply
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import SCHEMES

torch.manual_seed(0)
print(unmask.native.__file__)
print(library(), describe())
packed, x = quantize(torch.randn(20, 48), SCHEMES["int4-32"]), torch.randn(3, 48)
print(torch.equal(QuantizedLinear(packed, None)(x), multiply(packed, x, None)))
exact = x @ packed.unpack().T
print(float((multiply(packed, x, None) - exact).abs().max() / exact.abs().max()) < 0.02)
"""


def isolation() -> list[str]:
    """pip fetches the builder that pyproject.toml asks for, unless it is here."""
    try:
        here = int(version("setuptools").split(".")[0]) >= 77
    except PackageNotFoundError:
        here = False
    return ["--no-build-isolation"] if here else []


def run(folder: Path, *words: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("compiler", ["/nonexistent/cc", shutil.which("false")])
def test_without_a_working_compiler_it_installs_and_runs_on_its_twin(tmp_path: Path, compiler: str):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("compiled.*", "__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps")
    run(source, "-m", "pip", "install", *quiet, *isolation(), "--target", target, source, CC=compiler)
    assert (target / "unmask/native/rows.h").exists()  # what it is built from where there is a compiler
    used = run(tmp_path, "-c", USED, PYTHONPATH=str(target)).splitlines()
    assert used == [
        str(target / "unmask/native/__init__.py"),
        "None PyTorch (no compiled library: install unmask again where there is a C compiler)",
        "True",
        "True",
    ]
