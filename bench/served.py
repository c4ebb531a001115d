"""The sides of bench/serve.py: servers asked over HTTP and engines in their own processes, and what is said to them."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.batches import peak
from bench.decode import MODEL, REST
from bench.paired import ROOT
from unmask.server.bench.client import Address, fetch
from unmask.server.bench.load import Load, Outcome, drive
from unmask.server.bench.trial import Target
from unmask.text.chat import Message

THREADS = len(os.sched_getaffinity(0))
PATIENCE = 600.0
"""Seconds until an answer that is not whole counts as a failure."""
PLACES = 16
"""Chats that llama.cpp's server is told to make room for."""
MOST = 2048
"""Tokens of one of those chats."""
Chat = list[Message]


@dataclass(frozen=True)
class Seen:
    """What a side did with chats that came together: seconds to each first token, and until the last token of all."""

    first: Sequence[float]
    seconds: float
    tokens: int
    texts: Sequence[object]


class Side(Protocol):
    """A loaded model that waits for chats."""

    version: str

    def chats(self, chats: Sequence[Chat], count: int) -> Seen: ...

    def peak(self) -> float: ...

    def close(self) -> None: ...


class Server:
    """One that is asked over HTTP."""

    def __init__(self, command: Sequence[str], port: int, version: str) -> None:
        self.version = version
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
        address = Address.of(f"http://127.0.0.1:{port}/v1")
        self.target = Target(address, asyncio.run(self.named(address)), PATIENCE)

    async def named(self, address: Address) -> str:
        """The model's name, once the server answers."""
        while self.process.poll() is None:
            try:
                listed = await fetch(address, "/models")
            except OSError:
                await asyncio.sleep(0.1)
                continue
            if "data" in listed:
                name: str = listed["data"][0]["id"]
                return name
            await asyncio.sleep(0.1)
        raise SystemExit(f"{self.process.args!r} ended with {self.process.returncode}")

    def chats(self, chats: Sequence[Chat], count: int) -> Seen:
        time.sleep(REST)
        wishes = [{**self.target.wish("", count), "messages": chat} for chat in chats]
        outcomes: list[Outcome] = asyncio.run(drive(Load(together=len(chats)), wishes, self.target.send))
        if faults := [outcome.fault for outcome in outcomes if outcome.fault]:
            raise SystemExit(f"{self.process.args!r} failed: {faults}")
        return Seen(
            first=[outcome.first for outcome in outcomes],
            seconds=max(each.ended for each in outcomes) - min(each.begun for each in outcomes),
            tokens=sum(outcome.tokens for outcome in outcomes),
            texts=[outcome.text for outcome in outcomes],
        )

    def peak(self) -> float:
        return peak(self.process.pid)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


class Pipeline:
    """An engine of bench/batches.py, which gets ids."""

    def __init__(self, python: str, tool: str, model: str, setting: str, render: Callable[[Chat], list[int]]) -> None:
        command = [python, "bench/batches.py", tool, model, setting]
        self.render = render
        self.held = 0.0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.version: str = json.loads(self.read())

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r} ended with {self.process.wait()}")
        return line

    def chats(self, chats: Sequence[Chat], count: int) -> Seen:
        assert self.process.stdin is not None
        time.sleep(REST)
        self.process.stdin.write(json.dumps([[self.render(chat) for chat in chats], count]) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.read())
        self.held = said["peak"]
        return Seen(said["first"], said["seconds"], sum(map(len, said["ids"])), said["ids"])

    def peak(self) -> float:
        return self.held

    def close(self) -> None:
        self.process.communicate()


class Texts:
    """Chats of a wanted length, cut from novels; no passage comes twice."""

    def __init__(self) -> None:
        import unmask
        from unmask.checkpoints.hub import locate

        self.reader = unmask.load(str(locate(MODEL)), quantize="stored").reader
        folder = Path(os.environ.get("UNMASK_SHARED", ROOT.parent / "shared")) / "data" / "gutenberg_en"
        texts = [gzip.decompress(path.read_bytes()).decode() for path in sorted(folder.glob("*.txt.gz"))]
        self.ids = [each for text in texts for each in self.reader.tokenizer.encode(text).ids]
        self.place = 0

    def render(self, chat: Chat) -> list[int]:
        return list(self.reader.render(chat))

    def passage(self, tokens: int) -> str:
        """The next so many tokens of all the novels, as a text."""
        begin = self.place
        self.place += tokens
        if self.place > len(self.ids):
            raise SystemExit(f"The novels have {len(self.ids)} tokens, too few for so many rounds.")
        return self.reader.tokenizer.decode(self.ids[begin : self.place])

    def chats(self, count: int, tokens: int, *, before: str = "", after: str = "") -> list[Chat]:
        """Each of just so many tokens, the template's own included; `before` and `after` stand around the passage."""
        found = []
        for _ in range(count):
            words = self.passage(tokens).split(" ")
            while len(self.render(chat := user(before + " ".join(words) + after))) > tokens:
                words.pop()
            found.append(chat)
        return found


def user(content: str) -> Chat:
    return [{"role": "user", "content": content}]


def ours(file: Path, quantize: str) -> Server:
    import unmask

    port = free_port()
    command = [sys.executable, "-m", "unmask", "serve", str(file), "--quantize", quantize, "--no-page"]
    return Server([*command, "--port", str(port)], port, unmask.__version__)


def llama_cpp(binary: str, file: Path, *options: str) -> Server:
    port = free_port()
    command = [binary, "-m", str(file), "-np", str(PLACES), "-c", str(PLACES * MOST), "-t", str(THREADS)]
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    version = " ".join((said.stdout + said.stderr).split()[1:5])
    return Server([*command, "--port", str(port), *options], port, version)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
