"""Hub repositories: what one holds, which of its files a model needs, and the cache that all Hub tools share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmask.base.errors import DownloadError, FormatError
from unmask.base.files import atomic, storage_errors
from unmask.checkpoints.hub_calls import hub_errors, progress_bars
from unmask.checkpoints.layout import INDEX, SINGLE, read_index
from unmask.checkpoints.reference import Reference

# What stands beside the weights: configuration, tokenizer, chat template.
COMPANIONS = re.compile(r"[^/]+\.(json|jinja|model)|vocab\.txt|merges\.txt")


@dataclass(frozen=True)
class Listing:
    """A repository at one commit: its files, each with its SHA-256 where the Hub knows it."""

    commit: str
    files: Mapping[str, str | None]


def look_up(reference: Reference, *, timeout: float) -> Listing:
    """Ask the Hub for the commit that the reference means now, and its files.

    Args:
        timeout: seconds to wait for an answer.
    Raises:
        DownloadError: if there is no such repository or revision, or it may not be read.
        HubUnreachableError: if there is no answer.
    """
    from huggingface_hub import HfApi

    with hub_errors(reference):
        info = HfApi().model_info(
            reference.repository, revision=reference.revision, files_metadata=True, timeout=timeout
        )
    files = {each.rfilename: each.lfs.sha256 if each.lfs else None for each in info.siblings or ()}
    return Listing(commit=str(info.sha), files=files)


def fetch(reference: Reference, listing: Listing, *, progress: bool) -> Path:
    """Bring the model's files into the Hub's own cache, leaving out the files that are there already.

    Returns:
        The snapshot's folder, or its one GGUF file.
    Raises:
        DownloadError: if the repository holds no weights that are read here, or several, or a file does not arrive.
        StorageError: if the disk is full or cannot be written.
    """
    from huggingface_hub import constants, snapshot_download

    weights = choose_weights(reference, listing)
    if weights is None:
        weights = fetch_shard_names(reference, listing, progress=progress)
    companions = [] if weights[0].endswith(".gguf") else [each for each in listing.files if COMPANIONS.fullmatch(each)]
    cache = Path(constants.HF_HUB_CACHE)
    with storage_errors(cache), hub_errors(reference), progress_bars(progress):
        folder = snapshot_download(
            reference.repository,
            revision=listing.commit,
            # Patterns, so that a name is taken literally only with its brackets escaped.
            allow_patterns=[each.replace("[", "[[]") for each in weights + companions],
        )
    share_revision(cache, reference, listing)
    return Path(folder) / weights[0] if weights[0].endswith(".gguf") else Path(folder)


def choose_weights(reference: Reference, listing: Listing) -> list[str] | None:
    """The repository's weight files; None where only its index can tell."""
    if reference.file is not None and reference.file in listing.files:
        return [reference.file]
    if reference.file is None and SINGLE in listing.files:
        return [SINGLE]
    if reference.file is None and INDEX in listing.files:
        return None
    named = sorted(each for each in listing.files if each.endswith(".gguf"))
    if reference.file is None and len(named) == 1:
        return named
    if named:
        raise DownloadError(
            "{name}: which file? {repository} holds {files}. Name one: unmask pull {repository}:{example}",
            name=reference,
            repository=reference.repository,
            files=", ".join(named),
            example=named[0],
        )
    raise DownloadError(
        "{name} holds no weights that unmask reads: neither {single}, nor {index}, nor a .gguf file. "
        "Look for a version of the model in one of these formats.",
        name=reference,
        single=SINGLE,
        index=INDEX,
    )


def fetch_shard_names(reference: Reference, listing: Listing, *, progress: bool) -> list[str]:
    """The files that the repository's index names."""
    from huggingface_hub import constants, hf_hub_download

    with storage_errors(Path(constants.HF_HUB_CACHE)), hub_errors(reference), progress_bars(progress):
        index = hf_hub_download(reference.repository, INDEX, revision=listing.commit)
    shards = sorted(set(read_index(Path(index)).values()))
    for shard in shards:
        if shard not in listing.files:
            raise DownloadError(
                "{name}: its {index} names {shard}, which the repository does not hold. Choose another revision.",
                name=reference,
                index=INDEX,
                shard=shard,
            )
    return shards


def share_revision(cache: Path, reference: Reference, listing: Listing) -> None:
    """Note in the cache which commit a branch or tag meant, so that other Hub tools find it without the network."""
    revision = reference.revision or "main"
    if revision != listing.commit:
        with atomic(cache / f"models--{reference.repository.replace('/', '--')}" / "refs" / revision) as stream:
            stream.write(listing.commit.encode())


def cached(reference: Reference, revision: str | None) -> Path | None:
    """The model in the Hub's cache, whoever brought it there, or None. Asks no network.

    Args:
        revision: the commit, branch or tag to look for; None means the main branch as last seen.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                reference.repository, revision=revision, local_files_only=True, allow_patterns="config.json"
            )
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    if reference.file:
        return folder / reference.file if (folder / reference.file).is_file() else None
    if holds_safetensors(folder):
        return folder
    files = sorted(folder.glob("*.gguf"))
    return files[0] if len(files) == 1 else None


def holds_safetensors(folder: Path) -> bool:
    """Whether all weights are there: other tools leave snapshots with a configuration only."""
    if (folder / SINGLE).is_file():
        return True
    try:
        return (folder / INDEX).is_file() and all(
            (folder / each).is_file() for each in read_index(folder / INDEX).values()
        )
    except FormatError:
        return False
