"""Guided examples: classic cases, each retold with the numbers of the model at hand."""

from __future__ import annotations

from unmask.views.guides import apple, cat, counting, its, lookup
from unmask.views.guides.guide import Guide

GUIDES: dict[str, Guide] = {
    "counting": Guide(counting.title, counting.make),
    "cat": Guide(cat.title, cat.make),
    "apple": Guide(apple.title, apple.make),
    "its": Guide(its.title, its.make),
    "lookup": Guide(lookup.title, lookup.make),
}
