"""Taking the port, and what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from unmask.base.errors import ServerError
from unmask.server.app import bind


def test_a_port_in_use_is_named_with_the_way_out():
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1:{port}: .*in use.*--port"):
            bind("127.0.0.1", port)


def test_localhost_is_this_machine():
    with bind("localhost", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.com", ""])
def test_other_addresses_are_refused_without_being_looked_up(host: str):
    with pytest.raises(ServerError, match=f"'{host}'"):
        bind(host, 0)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_refused(port: int):
    with pytest.raises(ServerError, match=f"Port {port} does not exist"):
        bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("fastapi", "from unmask.server.app import create_app; create_app(None)"),
        ("uvicorn", "from unmask.server.app import serve; serve(None, socket=None)"),
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
