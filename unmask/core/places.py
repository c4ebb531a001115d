"""Where a model keeps its weights: each has a name, and every place that holds it if it is tied."""

from __future__ import annotations

from torch import nn

Place = tuple[nn.Module, str]
"""A module and its attribute."""


def parameter_places(model: nn.Module) -> dict[str, list[Place]]:
    """Each weight's name, the first that the model gives it, and all its places."""
    names: dict[nn.Parameter, str] = {}
    places: dict[str, list[Place]] = {}
    for prefix, module in model.named_modules():
        for attribute, parameter in module.named_parameters(recurse=False):
            name = names.setdefault(parameter, f"{prefix}.{attribute}" if prefix else attribute)
            places.setdefault(name, []).append((module, attribute))
    return places


def place(places: list[Place], parameter: nn.Parameter) -> None:
    """Put `parameter` in all of these."""
    for module, attribute in places:
        setattr(module, attribute, parameter)
