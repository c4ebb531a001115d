"""Conversations on this machine's disk: one JSON file each, found again by any browser and any server."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from pydantic import TypeAdapter, ValidationError

from unmask.base.errors import StorageError
from unmask.base.files import atomic, home, storage_errors
from unmask.web.conversation import Conversation

FORM: TypeAdapter[Conversation] = TypeAdapter(Conversation)
ID = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """A line of the list; `text` is what a search looks through."""

    id: str
    title: str
    updated: str
    text: str


@dataclass(frozen=True)
class Listing:
    """What was found, the latest first, and the names of files that are no conversations."""

    entries: tuple[Entry, ...]
    broken: tuple[str, ...]


class Store:
    """A folder of conversations. Each change reads the file anew, so that two open pages do not undo each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = RLock()
        # Stamp (time, size) and line of each file, since most have not changed from one look to the next.
        self.known: dict[Path, tuple[tuple[int, int], Entry | None]] = {}

    def read(self, conversation: str) -> Conversation:
        """
        Raises:
            StorageError: if there is no such conversation, or its file is broken.
        """
        path = self.path(conversation)
        try:
            found = FORM.validate_json(path.read_bytes(), strict=True)
        except FileNotFoundError as error:
            raise StorageError("There is no conversation {id!r} (any more).", id=conversation) from error
        except (ValidationError, OSError) as error:
            raise StorageError(
                "{path} cannot be read as a conversation: {reason}. It is left as it is; mend it or move it away.",
                path=path,
                reason=reason(error),
            ) from error
        if found.id != conversation:
            raise StorageError("{path} holds the conversation {id!r}. Give it that name.", path=path, id=found.id)
        return found

    def write(self, conversation: Conversation) -> None:
        """
        Raises:
            StorageError: if there is no place for it.
        """
        with self.lock, atomic(self.path(conversation.id)) as stream:
            stream.write(FORM.dump_json(conversation, indent=1))

    def change(self, conversation: str, edit: Callable[[Conversation], Conversation]) -> Conversation:
        """The conversation as it is now, edited and written.

        Raises:
            StorageError: as `read` and `write` do.
        """
        with self.lock:
            changed = edit(self.read(conversation))
            self.write(changed)
        return changed

    def delete(self, conversation: str) -> None:
        """Away with it; nothing happens if it is gone already.

        Raises:
            StorageError: if the folder cannot be changed.
        """
        path = self.path(conversation)
        with self.lock, storage_errors(path):
            path.unlink(missing_ok=True)

    def find(self, query: str = "") -> Listing:
        """The conversations whose title or messages hold every word of the query; capitals and widths do not matter.

        Raises:
            StorageError: if the folder cannot be read.
        """
        with self.lock, storage_errors(self.folder):
            found = {path: self.look(path) for path in self.folder.glob("*.json")}
        self.known = found
        words = plain(query).split()
        entries = [entry for _, entry in found.values() if entry and all(word in entry.text for word in words)]
        return Listing(
            tuple(sorted(entries, key=lambda entry: (entry.updated, entry.id), reverse=True)),
            tuple(sorted(path.name for path, (_, entry) in found.items() if entry is None)),
        )

    def look(self, path: Path) -> tuple[tuple[int, int], Entry | None]:
        """The file's stamp, and its line unless it is broken."""
        told = path.stat()
        stamp = told.st_mtime_ns, told.st_size
        if path in self.known and self.known[path][0] == stamp:
            return self.known[path]
        try:
            found = self.read(path.stem)
        except StorageError:
            return stamp, None
        text = plain("\n".join([found.title, *(message.content for message in found.messages)]))
        return stamp, Entry(found.id, found.title, found.updated, text)

    def path(self, conversation: str) -> Path:
        if not ID.fullmatch(conversation):
            raise StorageError("There is no conversation {id!r} (any more).", id=conversation)
        return self.folder / f"{conversation}.json"


def at_home() -> Store:
    """The user's own conversations."""
    return Store(home() / "conversations")


def reason(error: ValidationError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def plain(text: str) -> str:
    """As it is searched: one width and no capitals."""
    return unicodedata.normalize("NFKC", text).casefold()
