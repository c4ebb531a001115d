"""Which answers the visitor liked: a file that reward models and preference training can learn from.

`preferences.jsonl` has one JSON object a line, of two kinds:

    {"prompt": [messages], "chosen": text, "rejected": text, "model", "time", "conversation", "message"}
    {"prompt": [messages], "answer": text, "rating": "up" or "down", "model", "time", "conversation", "message"}

The first where two answers to the same prompt were judged apart, the second for an answer that was judged alone. A
prompt is a list of {"role", "content"}, the system prompt first if there was one. `message` is the id of the message
that was answered; a new judgement replaces all lines of its message. Deleting a conversation leaves its lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from unmask.base.files import atomic, home
from unmask.web.conversation import Conversation, Message, now


class Preferences:
    """The file; it is there when somebody has judged an answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = Lock()

    def note(self, conversation: Conversation, message: Message) -> None:
        """Write what is now thought of all answers to what `message` answers. Lines of others stay as they are.

        Raises:
            StorageError: if there is no place for it; the file is then as it was.
        """
        with self.lock:
            kept = self.path.read_bytes().splitlines() if self.path.exists() else []
            others = [line for line in kept if line.strip() and answered_by(line) != message.parent]
            lines = [
                *others,
                *(json.dumps(each, ensure_ascii=False).encode() for each in judged(conversation, message)),
            ]
            with atomic(self.path) as stream:
                stream.writelines(line + b"\n" for line in lines)


def at_home() -> Preferences:
    """The user's own."""
    return Preferences(home() / "preferences.jsonl")


def answered_by(line: bytes) -> object:
    """The id of the message that a line is about; None for a line that is none of ours."""
    try:
        held = json.loads(line)
    except ValueError:
        return None
    return held.get("message") if isinstance(held, dict) else None


def judged(conversation: Conversation, message: Message) -> Iterator[dict[str, object]]:
    """The lines about the answers that stand beside `message`."""
    rated = {"up": list[Message](), "down": list[Message]()}
    for each in conversation.branches(message):
        if each.answer and each.answer.rating:
            rated[each.answer.rating].append(each)
    frame = {"prompt": conversation.read(message.parent)}
    place = {"time": now(), "conversation": conversation.id, "message": message.parent}
    if rated["up"] and rated["down"]:
        for chosen in rated["up"]:
            for rejected in rated["down"]:
                yield {**frame, "chosen": chosen.content, "rejected": rejected.content, **by(chosen), **place}
        return
    for rating, answers in rated.items():
        for each in answers:
            yield {**frame, "answer": each.content, "rating": rating, **by(each), **place}


def by(message: Message) -> dict[str, str]:
    assert message.answer is not None
    return {"model": message.answer.model}
