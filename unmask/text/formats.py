"""A model's files -> its Tokenizer and its ChatTemplate: folders as the Hub lays them out, and GGUF metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, models

from unmask.base.errors import TokenizerError
from unmask.text.bytelevel import GPT2, QWEN2, byte_level, surround
from unmask.text.chat import ChatTemplate
from unmask.text.gguf_vocabulary import read_gguf, special_texts
from unmask.text.settings import Settings, unreadable
from unmask.text.tokenizer import Tokenizer, library_failure

__all__ = ["folder_template", "gguf_template", "read_folder", "read_gguf"]

# What a tokenizer may be kept in where there is no tokenizer.json; we do not read these.
OTHER_FILES = ("tokenizer.model", "spiece.model", "tekken.json", "vocab.txt")

# vocab.json and merges.txt do not say how text is cut into words: the tokenizer's class does, or the model's type.
PAIRS = {"GPT2Tokenizer": GPT2, "gpt2": GPT2, "Qwen2Tokenizer": QWEN2, "qwen2": QWEN2, "qwen3": QWEN2}

# A prefix that is not empty, or letters written as JSON escapes, among which its name could hide.
PREFIXED = re.compile(rb'"continuing_subword_prefix"\s*:\s*"[^"]|\\u00[2-7][0-9a-fA-F]')


def read_folder(folder: Path) -> Tokenizer | None:
    """The tokenizer of a folder as the Hub lays it out; None where there is no tokenizer file.

    tokenizer.json's own post-processor says whether a BOS begins a text: as in transformers, `add_bos_token` in
    tokenizer_config.json counts only for the older pair vocab.json and merges.txt.

    Raises:
        TokenizerError: if a file cannot be read, or the tokenizer is of a kind that we do not read.
    """
    settings = Settings(folder)
    if (folder / "tokenizer.json").is_file():
        backend = read_json(folder / "tokenizer.json")
        add_tokens(backend, settings)
    elif (folder / "vocab.json").is_file():
        backend = read_pair(settings)
    else:
        refuse_others(folder)
        return None
    ids = {name: backend.token_to_id(text) for name, text in settings.specials.items()}
    return Tokenizer(
        backend=backend,
        # A null in tokenizer_config.json means that there is no BOS, whatever the model's own files say.
        bos=ids.get("bos_token") if "bos_token" in settings.config else settings.id("bos_token_id"),
        pad=ids.get("pad_token"),
        ends=frozenset(each for each in (ids.get("eos_token"), *settings.ids("eos_token_id")) if each is not None),
        specials=settings.specials,
    )


def read_json(path: Path) -> tokenizers.Tokenizer:
    """tokenizer.json, which the library reads by itself."""
    data = path.read_bytes()
    try:
        check_prefixes(data)
        return tokenizers.Tokenizer.from_buffer(data)
    except BaseException as error:
        raise unreadable(path, library_failure(error)) from error


def check_prefixes(data: bytes) -> None:
    """See that every merge has the prefix that the file says it has: where one has not, the library aborts Python.

    Only files that may name a prefix are parsed for this: hardly any does, and many are large.
    """
    if not PREFIXED.search(data):
        return
    model = json.loads(data)["model"]
    prefix = model.get("continuing_subword_prefix") or ""
    for merge in model.get("merges", ()):
        right = (merge.split(" ") if isinstance(merge, str) else merge)[-1]
        if not right.startswith(prefix):
            raise ValueError(f"merge {merge!r:.60} lacks the prefix {prefix!r:.60}")


def read_pair(settings: Settings) -> tokenizers.Tokenizer:
    """vocab.json and merges.txt, the pair in which GPT-2 and Qwen2 first came."""
    folder = settings.folder
    kind = str(settings.config.get("tokenizer_class") or settings.model.get("model_type")).removesuffix("Fast")
    if kind not in PAIRS:
        raise TokenizerError(
            "{folder}: vocab.json and merges.txt are for a tokenizer of kind {kind!r:.60}; known are {known}. "
            "Put a tokenizer.json beside them.",
            folder=folder,
            kind=kind,
            known=", ".join(PAIRS),
        )
    try:
        model = models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    except BaseException as error:
        raise unreadable(folder / "vocab.json", library_failure(error)) from error
    backend = byte_level(model, PAIRS[kind])
    add_tokens(backend, settings)
    wanted = {
        name: backend.token_to_id(settings.specials.get(f"{name}_token", ""))
        for name in ("bos", "eos")
        if settings.config.get(f"add_{name}_token")
    }
    surround(backend, bos=wanted.get("bos"), eos=wanted.get("eos"))
    return backend


def add_tokens(backend: tokenizers.Tokenizer, settings: Settings) -> None:
    """Add the tokens that only the small files know, and see to it that the named special ones are never cut.

    Raises:
        TokenizerError: if a token's id there is another one than in the vocabulary.
    """
    for token_id, token in settings.added.items():
        if backend.token_to_id(token.content) is None:
            backend.add_tokens([token])
        if backend.token_to_id(token.content) != token_id:
            raise TokenizerError(
                "{folder}: tokenizer_config.json says that token {token!r:.60} has id {id}, the vocabulary {other}. "
                "Get the model's files again.",
                folder=settings.folder,
                token=token.content,
                id=token_id,
                other=backend.token_to_id(token.content),
            )
    whole = {token.content for token in backend.get_added_tokens_decoder().values() if token.special}
    named = [text for text in settings.specials.values() if backend.token_to_id(text) is not None]
    backend.add_special_tokens([AddedToken(text, normalized=False) for text in named if text not in whole])


def refuse_others(folder: Path) -> None:
    for name in OTHER_FILES:
        if (folder / name).is_file():
            raise TokenizerError(
                "{file}: tokenizers of this kind are not read. Put a tokenizer.json beside it; "
                "transformers writes one with AutoTokenizer.from_pretrained(...).save_pretrained(...).",
                file=folder / name,
            )


def folder_template(folder: Path) -> ChatTemplate | None:
    """The chat template in chat_template.jinja, chat_template.json or tokenizer_config.json; None if none has one.

    Where there are several by name, it is the one called "default".

    Raises:
        TokenizerError: if a file cannot be read.
    """
    settings = Settings(folder)
    path = folder / "chat_template.jinja"
    source: object = None
    if path.is_file():
        try:
            source = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise unreadable(path, error) from error
    else:
        config = settings.load("chat_template.json") or settings.config
        source = config.get("chat_template")
    if isinstance(source, list):
        named = {each.get("name"): each.get("template") for each in source if isinstance(each, dict)}
        source = named.get("default")
    return ChatTemplate(source, settings.specials) if isinstance(source, str) else None


def gguf_template(metadata: Mapping[str, object]) -> ChatTemplate | None:
    """The chat template in a GGUF file's metadata; None if it has none.

    Raises:
        TokenizerError: if the vocabulary that its special tokens are in is damaged.
    """
    source = metadata.get("tokenizer.chat_template")
    return ChatTemplate(source, special_texts(metadata)) if isinstance(source, str) else None
