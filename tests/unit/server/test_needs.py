"""What is missing in a lean install."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("fastapi", "from unmask.server.needs import check_installed; check_installed()"),
        ("uvicorn", "from unmask.cli import main; main(['--debug', 'serve'])"),
        ("prometheus_client", "from unmask.server.needs import check_installed; check_installed()"),
        ("gradio", "from unmask.web.page import mount; mount(None, None)"),
    ],
)
def test_a_missing_package_names_the_extra_to_install(package: str, call: str):
    program = f"import sys; sys.modules['{package}'] = None\n{call}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("unmask.base.errors.MissingExtra: ")
    assert f"needs {package}" in last
    assert "pip install 'unmask[serve]'" in last
