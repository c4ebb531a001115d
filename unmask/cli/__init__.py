"""The command line, a verb each: results on stdout, all else on stderr. Starts without torch."""

from __future__ import annotations

from unmask.cli.program import main

__all__ = ["main"]
