"""Hub repositories: what one holds, which of its files a model needs, and the cache that all Hub tools share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmask.base.errors import DownloadError, FormatError
from unmask.base.files import atomic, storage_errors
from unmask.checkpoints.hub_calls import hub_errors, progress_bars
from unmask.checkpoints.layout import BIN, BIN_INDEX, INDEX, SINGLE, read_index
from unmask.checkpoints.reference import Reference

# What stands beside the weights: configuration, tokenizers (Marian's end in .spm, a translator of ours keeps a second
# one in target/), chat template; and the folders in which sentence encoders keep the modules that come after the
# transformer, as in 1_Pooling/config.json and 2_Dense/model.safetensors.
COMPANIONS = re.compile(
    r"(target/)?[^/]+\.(json|jinja|model|spm)|(target/)?vocab\.txt|merges\.txt|\d+_[A-Z]\w*/(config\.json|model\.safetensors)"
)
MODULE_PICKLE = re.compile(r"\d+_[A-Z]\w*/pytorch_model\.bin")


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


def choose(reference: Reference, listing: Listing, *, allow_pickle: bool, progress: bool) -> list[str]:
    """The files that a model needs, weights first; or its one GGUF file.

    Args:
        allow_pickle: take torch's own files where there are no others.
    Raises:
        DownloadError: if the repository holds no weights that are read here, or several.
    """
    first = choose_weights(reference, listing, allow_pickle=allow_pickle)
    if first.endswith(".gguf"):
        return [first]
    weights = [first]
    if first in (INDEX, BIN_INDEX):
        weights = shard_names(reference, listing, first, progress=progress)
    return [*weights, *companions(listing, allow_pickle=allow_pickle)]


def companions(listing: Listing, *, allow_pickle: bool) -> list[str]:
    """What stands beside the weights, the weights of a sentence encoder's further modules among it."""
    pickled = [each for each in listing.files if MODULE_PICKLE.fullmatch(each)] if allow_pickle else []
    return [each for each in listing.files if COMPANIONS.fullmatch(each)] + [
        each for each in pickled if each.replace(BIN, SINGLE) not in listing.files
    ]


def fetch(reference: Reference, listing: Listing, files: list[str], *, progress: bool) -> Path:
    """Bring files into the Hub's own cache, leaving out those that are there already; gives the snapshot's folder.

    Raises:
        DownloadError: if a file does not arrive.
        StorageError: if the disk is full or cannot be written.
    """
    from huggingface_hub import constants, snapshot_download

    cache = Path(constants.HF_HUB_CACHE)
    with storage_errors(cache), hub_errors(reference), progress_bars(progress):
        folder = snapshot_download(
            reference.repository,
            revision=listing.commit,
            # Patterns, so that a name is taken literally only with its brackets escaped.
            allow_patterns=[each.replace("[", "[[]") for each in files],
        )
    share_revision(cache, reference, listing)
    return Path(folder)


def choose_weights(reference: Reference, listing: Listing, *, allow_pickle: bool) -> str:
    """The repository's one weight file, or the index of several."""
    if reference.file is not None and reference.file in listing.files:
        return reference.file
    for each in (SINGLE, INDEX):
        if reference.file is None and each in listing.files:
            return each
    named = sorted(each for each in listing.files if each.endswith(".gguf"))
    if reference.file is None and len(named) == 1:
        return named[0]
    if named:
        raise DownloadError(
            "{name}: which file? {repository} holds {files}. Name one: unmask pull {repository}:{example}",
            name=reference,
            repository=reference.repository,
            files=", ".join(named),
            example=named[0],
        )
    pickled = [each for each in (BIN, BIN_INDEX) if reference.file is None and each in listing.files]
    if pickled and allow_pickle:
        return pickled[0]
    if pickled:
        raise DownloadError(
            "{name} holds only pickled weights, which can run code when they are read. Look for a version of the model "
            "in safetensors or GGUF or, if you trust its maker, fetch it with allow_pickle=True, at the command line "
            "--allow-pickle.",
            name=reference,
        )
    raise DownloadError(
        "{name} holds no weights that unmask reads: neither {single}, nor {index}, nor a .gguf file. "
        "Look for a version of the model in one of these formats.",
        name=reference,
        single=SINGLE,
        index=INDEX,
    )


def shard_names(reference: Reference, listing: Listing, index: str, *, progress: bool) -> list[str]:
    """The files that the repository's index names."""
    from huggingface_hub import constants, hf_hub_download

    with storage_errors(Path(constants.HF_HUB_CACHE)), hub_errors(reference), progress_bars(progress):
        path = hf_hub_download(reference.repository, index, revision=listing.commit)
    shards = sorted(set(read_index(Path(path), suffix=".bin" if index == BIN_INDEX else ".safetensors").values()))
    for shard in shards:
        if shard not in listing.files:
            raise DownloadError(
                "{name}: its {index} names {shard}, which the repository does not hold. Choose another revision.",
                name=reference,
                index=index,
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
