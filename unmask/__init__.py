"""unmask: the Transformer language-model family in one system, private and understandable.

import unmask

model = unmask.load("smollm2:135m")
print(model.chat([{"role": "user", "content": "What is the capital of France?"}]))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unmask.base.errors import UnmaskError
    from unmask.checkpoints.hub import pull
    from unmask.core.trace import Watch
    from unmask.core.transformer import Transformer, TransformerSpec
    from unmask.generation.answer import Piece
    from unmask.generation.blanks import Blank, Guess
    from unmask.generation.look import Look
    from unmask.generation.replies import Reply
    from unmask.generation.sampling import Sampling
    from unmask.generation.score import Score
    from unmask.generation.search import Hypothesis, Search
    from unmask.model import Model, load
    from unmask.translator import Translation, Translator, load_translator
    from unmask.views.view import View

__version__ = "0.1.0"
__all__ = [
    "Blank",
    "Guess",
    "Hypothesis",
    "Look",
    "Model",
    "Piece",
    "Reply",
    "Sampling",
    "Score",
    "Search",
    "Transformer",
    "TransformerSpec",
    "Translation",
    "Translator",
    "UnmaskError",
    "View",
    "Watch",
    "load",
    "load_translator",
    "pull",
]

HOMES = {
    "Blank": "unmask.generation.blanks",
    "Guess": "unmask.generation.blanks",
    "Hypothesis": "unmask.generation.search",
    "Look": "unmask.generation.look",
    "Model": "unmask.model",
    "Piece": "unmask.generation.answer",
    "Reply": "unmask.generation.replies",
    "Sampling": "unmask.generation.sampling",
    "Score": "unmask.generation.score",
    "Search": "unmask.generation.search",
    "Transformer": "unmask.core.transformer",
    "TransformerSpec": "unmask.core.transformer",
    "Translation": "unmask.translator",
    "Translator": "unmask.translator",
    "UnmaskError": "unmask.base.errors",
    "View": "unmask.views.view",
    "Watch": "unmask.core.trace",
    "load": "unmask.model",
    "load_translator": "unmask.translator",
    "pull": "unmask.checkpoints.hub",
}
"""Where each public name lives. Looked up when first asked for, so that `import unmask` costs nothing."""


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module 'unmask' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
