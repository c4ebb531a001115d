"""How a model on the Hub is named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

# As git has it, no branch or tag contains two dots; one that did could lead out of the cache's folder of branches.
NAME = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)(:(?P<file>[^@]+\.gguf))?(@(?P<revision>(?!.*\.\.)\w[\w./+-]*))?", re.ASCII
)


@dataclass(frozen=True)
class Reference:
    """A Hub repository by name: `owner/name`, or one file of it `owner/name:FILE.gguf`; either with `@revision`."""

    repository: str
    file: str | None = None
    revision: str | None = None

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The reference that `name` is, or None."""
        found = NAME.fullmatch(name)
        return cls(**found.groupdict()) if found else None

    def __str__(self) -> str:
        file = f":{self.file}" if self.file else ""
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.repository}{file}{revision}"
