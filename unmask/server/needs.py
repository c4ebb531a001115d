"""The packages that serving needs beyond those of the lean install."""

from __future__ import annotations

from importlib import import_module

from unmask.base.errors import MissingExtra

PACKAGES = ("fastapi", "uvicorn", "prometheus_client")


def check_installed() -> None:
    """
    Raises:
        MissingExtra: if one of them is not there; before a model is loaded in vain.
    """
    try:
        for package in PACKAGES:
            import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtra("Serving needs {package}. Run: pip install 'unmask[serve]'", package=error.name) from error
