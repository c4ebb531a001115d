"""Which recipes there are, and how one is found: by its name here, or as a script of the user's own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Protocol, cast

from unmask.base.errors import RequestError
from unmask.base.files import atomic
from unmask.base.registry import nearest
from unmask.recipes.knobs import Training
from unmask.recipes.plan import Plan

RECIPES = ("pretrain_gpt", "pretrain_bert", "pretrain_glm", "translate")
ALSO = {"pretrain_seq2seq": "translate"}
"""Other names by which one is called: any pairs of texts are learnt as translations are."""


class Recipe(Protocol):
    """A script's face: its docstring tells its purpose, and the docstrings of its knobs what they do."""

    Knobs: type[Training]
    __file__: str

    def plan(self, knobs: Any, data: Sequence[Path]) -> Plan:
        """What the run would cost; nothing is learnt."""
        ...

    def run(self, knobs: Any, data: Sequence[Path], folder: Path) -> Mapping[str, Any]:
        """Learn, and leave all of it in the folder; what report.json says, nothing if another process tells it."""
        ...


def recipe(name: str) -> Recipe:
    """The recipe of that name, or in that file.

    Raises:
        RequestError: if there is none, or the file is no recipe.
    """
    name = ALSO.get(name, name)
    if name in RECIPES:
        return cast(Recipe, import_module(f"{__package__}.{name}"))
    path = Path(name)
    if path.suffix != ".py":
        raise RequestError(
            "There is no recipe {name!r}. Did you mean {nearest!r}? All recipes: {known}; or name a script of yours.",
            name=name,
            nearest=nearest(name, RECIPES, count=1)[0],
            known=", ".join(RECIPES),
        )
    if not path.is_file():
        raise RequestError("There is no file {path}. Make one with: unmask train NAME --copy", path=path)
    spec = spec_from_file_location(f"recipe_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[spec.name] = made  # a dataclass looks its module up by name
    spec.loader.exec_module(made)
    missing = [each for each in ("Knobs", "plan", "run") if not hasattr(made, each)]
    if missing:
        raise RequestError("{path} is no recipe: it has no {missing}.", path=path, missing=", ".join(missing))
    return cast(Recipe, made)


def copy(name: str, folder: Path) -> Path:
    """Write a recipe's script into a folder, to be edited; where.

    Raises:
        RequestError: if there is no such recipe, or a file of that name is there.
        StorageError: if the folder cannot be written.
    """
    source = Path(recipe(name).__file__)
    target = folder / source.name
    if target.exists():
        raise RequestError("{path} is there already. Remove it, or copy somewhere else with --out.", path=target)
    with atomic(target) as stream:
        stream.write(source.read_bytes())
    return target
