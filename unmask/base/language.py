"""English or Chinese: one function through which every text a user reads must pass."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache


def language(environment: Mapping[str, str] = os.environ) -> str:
    """The user's language, "en" or "zh": `UNMASK_LANG`, else the locale's variables in POSIX order."""
    for name in ("UNMASK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "zh" if value.lower().startswith(("zh", "chinese")) else "en"
    return "en"


def say(template: str, /, **values: object) -> str:
    """Render an English template in the user's language; the template itself is the key of its translation."""
    return translate(template, language()).format(**values)


def translate(template: str, target: str) -> str:
    """The template's wording in `target` ("en" or "zh"), still with its fields.

    A template without a Chinese wording stays English; a test holds every template in the source to one.
    """
    return template if target == "en" else chinese().get(template, template)


@cache
def chinese() -> Mapping[str, str]:
    """English template -> Chinese template. Read only when Chinese is asked for."""
    from unmask.base.chinese import TEXTS

    return TEXTS
