"""A copied recipe as a program of its own: `python my.py --set steps=100` is `unmask train my.py --set steps=100`."""

from __future__ import annotations

import runpy
import sys


def script(file: str) -> None:
    """Run the file as `unmask train` would, with this process's arguments."""
    sys.argv[1:1] = ["train", file]
    runpy.run_module("unmask", run_name="__main__")
