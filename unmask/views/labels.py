"""Numbers and tokens as people read them."""

from __future__ import annotations

from unicodedata import category

SMALLEST = 1e-6
BLANKS = {"\t": "⇥", "\n": "⏎", "\r": "⏎"}


def percent(share: float) -> str:
    """A share from 0 to 1, to three digits where it is large and two where it is small."""
    if share < SMALLEST:
        return f"< {100 * SMALLEST:.4f} %"
    return f"{100 * share:.1f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def visible(token: str) -> str:
    """A token whose blanks can be seen at its ends, where they would be missed, and what has no picture anywhere."""
    inner = token.strip()
    start = token.find(inner)
    before, after = token[:start] if inner else token, token[start + len(inner) :] if inner else ""
    return f"{blanks(before)}{''.join(map(drawn, inner))}{blanks(after)}" or "∅"


def blanks(run: str) -> str:
    return "".join(BLANKS.get(each, "␣") for each in run)


def drawn(character: str) -> str:
    return f"U+{ord(character):X}" if category(character) in ("Cc", "Cf") else character
