"""How passes change a finished model: parts are replaced, the model never hears of it."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from unmask.core.seq2seq import Seq2Seq
from unmask.core.transformer import Transformer


def replace(model: nn.Module, *, where: Callable[[nn.Module], bool], make: Callable[[nn.Module], nn.Module]) -> int:
    """Put `make(part)` in the place of every part that `where` picks; how many there were.

    A part that stands in two places is made once and stands in both. A model loses its shortcuts, which were made of
    the parts that were there.
    """
    places = [
        (parent, name, child)
        for parent in list(model.modules())
        for name, child in parent.named_children()
        if where(child)
    ]
    made = {child: make(child) for _, _, child in places}
    for parent, name, child in places:
        setattr(parent, name, made[child])
    for part in model.modules() if made else ():
        if isinstance(part, Transformer | Seq2Seq):
            part.shortcut = None
    return len(made)
