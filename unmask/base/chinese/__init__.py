"""The Chinese wording of every template, a file for each area; `unmask.base.language` reads them."""

from __future__ import annotations

from unmask.base.chinese import (
    checkpoints,
    command,
    core,
    data,
    engine,
    families,
    generation,
    guides,
    recipes,
    server,
    text,
    training,
    views,
)

TEXTS: dict[str, str] = {
    **core.TEXTS,
    **text.TEXTS,
    **checkpoints.TEXTS,
    **families.TEXTS,
    **data.TEXTS,
    **generation.TEXTS,
    **training.TEXTS,
    **recipes.TEXTS,
    **engine.TEXTS,
    **server.TEXTS,
    **command.TEXTS,
    **views.TEXTS,
    **guides.TEXTS,
}
