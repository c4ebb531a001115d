"""A person's terminal with `unmask` running in it: what is typed, and what is then seen on its screen."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

PATIENCE = 30.0
"""Seconds until what did not come counts as a failure."""
ROWS, COLUMNS = 24, 100
# The process makes the terminal its own, so that Ctrl-C reaches it by the same way as a person's. What a shell starts
# in the background ignores that, and hands this down, as to these tests in CI.
LAUNCH = """
import fcntl, runpy, signal, termios
signal.signal(signal.SIGINT, signal.default_int_handler)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("unmask", run_name="__main__")
"""
CONTROL = re.compile(r"\x1b\[([?>0-9;]*)([A-Za-z])|\x1b[^\[]")
UNFINISHED = re.compile(r"\x1b(\[[?>0-9;]*)?$")


class Screen:
    """What a terminal makes of the characters sent to it: the part of ECMA-48 that line editing needs."""

    def __init__(self) -> None:
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = 0

    @property
    def lines(self) -> list[str]:
        """Its rows; the second cell of a wide character is empty."""
        return ["".join(cells).rstrip() for cells in self.cells]

    @property
    def line(self) -> str:
        """The row where the cursor is."""
        return self.lines[self.row]

    def put(self, character: str) -> None:
        """Show a character, or do what a control character says."""
        if character == "\n":
            self.feed()
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(self.column - 1, 0)
        elif character.isprintable():
            cells = [character, ""] if unicodedata.east_asian_width(character) in "WF" else [character]
            if self.column + len(cells) > COLUMNS:
                self.column = 0
                self.feed()
            self.cells[self.row][self.column : self.column + len(cells)] = cells
            self.column += len(cells)

    def feed(self) -> None:
        """Go to the next row; the last one pushes the others up."""
        self.row += 1
        if self.row == ROWS:
            self.cells = [*self.cells[1:], [" "] * COLUMNS]
            self.row -= 1

    def obey(self, numbers: str, order: str) -> None:
        """Carry out ESC [ numbers order; colours and modes change nothing that is looked at here."""
        count = int(numbers) if numbers.isdigit() else 1
        if order == "A":
            self.row = max(self.row - count, 0)
        elif order == "B":
            self.row = min(self.row + count, ROWS - 1)
        elif order == "C":
            self.column = min(self.column + count, COLUMNS - 1)
        elif order == "D":
            self.column = max(self.column - count, 0)
        elif order in "JK":
            self.cells[self.row][self.column :] = [" "] * (COLUMNS - self.column)
            if order == "J":
                self.cells[self.row + 1 :] = [[" "] * COLUMNS for _ in self.cells[self.row + 1 :]]


class Terminal:
    """The program, its keyboard and its screen.

    Args:
        environment: over that of this process.
        output: where standard output goes instead.
    """

    def __init__(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None, output: Path | None = None
    ) -> None:
        self.keyboard, inner = pty.openpty()
        ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.screen = Screen()
        self.half = ""
        self.seen = ""
        """All that was sent to the terminal and not yet waited for."""
        target = inner if output is None else os.open(output, os.O_WRONLY | os.O_CREAT)
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *(str(each) for each in arguments)],
            stdin=inner,
            stdout=target,
            stderr=inner,
            env=os.environ | {"TERM": "xterm-256color"} | dict(environment or {}),
            start_new_session=True,
        )
        for each in {inner, target}:
            os.close(each)

    def wait_for(self, text: str) -> str:
        """What was shown up to and including `text`; what comes after it is left for the next call."""
        while text not in self.seen:
            self.read()
        shown, _, self.seen = self.seen.partition(text)
        return shown + text

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Go on reading until the condition is true."""
        while not condition():
            self.read()

    def wait_for_line(self, line: str) -> None:
        """Wait until the cursor stands in this line."""
        self.wait_until(lambda: self.screen.line == line.rstrip())

    def wait_for_answer(self) -> None:
        """Wait until the beginning of an answer is seen below a prompt."""
        self.wait_until(lambda: self.screen.line and not self.screen.line.startswith(">"))

    def read(self) -> None:
        """Take in what comes next."""
        ready, _, _ = select.select([self.keyboard], [], [], PATIENCE)
        assert ready, f"nothing came after {self.seen[-300:]!r}; the screen shows {self.screen.lines}"
        text = self.half + self.decoder.decode(os.read(self.keyboard, 4096))
        text, self.half = (text[: found.start()], found[0]) if (found := UNFINISHED.search(text)) else (text, "")
        place = 0
        for control in CONTROL.finditer(text):
            self.show(text[place : control.start()])
            self.obey(control)
            place = control.end()
        self.show(text[place:])

    def show(self, text: str) -> None:
        self.seen += text
        for character in text:
            self.screen.put(character)

    def obey(self, control: re.Match[str]) -> None:
        """Carry out a control sequence; a question for the cursor's place is answered, as every terminal does."""
        if control[0] == "\x1b[6n":
            self.type(f"\x1b[{self.screen.row + 1};{self.screen.column + 1}R")
        elif control[2]:
            self.screen.obey(control[1], control[2])

    def type(self, keys: str) -> None:
        """Press these keys; a lone byte is written as Python does, \\udcff for 255."""
        os.write(self.keyboard, keys.encode(errors="surrogateescape"))

    def close(self) -> int:
        """The exit code, once the program has ended."""
        with suppress(OSError):  # reading fails when nobody is left at the other side
            while True:
                self.read()
        return self.process.wait(timeout=PATIENCE)
