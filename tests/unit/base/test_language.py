"""Every text a user can meet exists in both languages, with the same fields."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from string import Formatter

import pytest

import unmask.base.errors
from unmask.base import chinese
from unmask.base.chinese import TEXTS
from unmask.base.errors import RequestError, UnmaskError
from unmask.base.language import language, say, translate
from unmask.recipes.describe import under_fields
from unmask.recipes.shelf import RECIPES

PACKAGE = Path(unmask.base.errors.__file__).parents[1]
# The functions that pass a template on; their own bodies are the only place where it is no literal.
PASSING_ON = {"base/errors.py", "base/language.py", "recipes/describe.py"}


@cache
def sources() -> dict[str, ast.Module]:
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items() if name not in PASSING_ON}


@cache
def errors() -> set[str]:
    """The names of UnmaskError and all classes derived from it, wherever they are."""
    names = {name for name, value in vars(unmask.base.errors).items() if isinstance(value, type)}
    classes = [node for tree in sources().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while more := {each.name for each in classes if names & {called(base) for base in each.bases}} - names:
        names |= more
    return names


def called(node: ast.expr) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


@cache
def calls() -> list[tuple[str, ast.expr | None]]:
    """Where `say`, `translate` or an error of ours is called, and the first argument."""
    makers = errors() | {"say", "translate"}
    return [
        (f"{name}:{node.lineno}", node.args[0] if node.args else None)
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node.func) in makers
    ]


@cache
def templates() -> dict[str, str]:
    """English template -> one place where it is used."""
    literals = {
        node.value: place for place, node in calls() if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return literals | told_of_themselves()


def told_of_themselves() -> dict[str, str]:
    """What recipes' docstrings say of them and of their knobs."""
    found = {}
    for name, tree in sources().items():
        if name in {f"recipes/{each}.py" for each in RECIPES}:
            found[(ast.get_docstring(tree) or "").splitlines()[0]] = name
        for node in ast.walk(tree) if name.startswith("recipes/") else ():
            if isinstance(node, ast.ClassDef) and node.name in ("Knobs", "Training"):
                found |= dict.fromkeys((text for _, text in under_fields(node) if text), name)
    return found


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_every_template_is_a_literal_or_that_of_an_error():
    others = [
        place
        for place, node in calls()
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str))
        and not (isinstance(node, ast.Attribute) and node.attr == "template")
    ]
    assert others == []


def test_every_template_has_a_chinese_wording():
    assert {template: place for template, place in templates().items() if template not in TEXTS} == {}


def test_no_chinese_wording_is_left_over():
    assert [template for template in TEXTS if template not in templates()] == []


def test_both_wordings_have_the_same_fields():
    assert [english for english, wording in TEXTS.items() if fields(english) != fields(wording)] == []


def test_no_template_is_worded_in_two_areas():
    areas = [import_module(f"{chinese.__name__}.{area.name}") for area in iter_modules(chinese.__path__)]
    assert sum(len(area.TEXTS) for area in areas) == len(TEXTS)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "zh_TW.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "zh"),
        ({"UNMASK_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
        ({"UNMASK_LANG": "ZH", "LC_ALL": "C"}, "zh"),
        ({"UNMASK_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_unmask_lang_decides_before_the_locale_in_posix_order(environment: dict[str, str], expected: str):
    assert language(environment) == expected


def test_an_error_speaks_the_users_language(monkeypatch: pytest.MonkeyPatch):
    error = RequestError(
        "Unknown dtype {name!r}; known are {known}. Did you mean {nearest!r}?", name="f", known="a", nearest="a"
    )
    monkeypatch.setenv("UNMASK_LANG", "zh")
    assert str(error) == "未知的数据类型 'f'；可用的有 a。您是想用 'a' 吗？"
    monkeypatch.setenv("UNMASK_LANG", "en")
    assert str(error) == "Unknown dtype 'f'; known are a. Did you mean 'a'?"


def test_a_text_without_a_chinese_wording_stays_english(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_LANG", "zh")
    assert translate("No wording for {this}.", "zh") == "No wording for {this}."
    assert (
        str(UnmaskError("No wording for {this}.", this=1))
        == say("No wording for {this}.", this=1)
        == "No wording for 1."
    )
