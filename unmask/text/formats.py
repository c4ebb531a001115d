"""A model's files -> its Tokenizer and its ChatTemplate: folders as the Hub lays them out, and GGUF metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tokenizers

from unmask.base.errors import TokenizerError
from unmask.text.chat import ChatTemplate
from unmask.text.gguf_vocabulary import read_gguf, special_texts
from unmask.text.screening import check_file, check_growth
from unmask.text.settings import Settings, unreadable
from unmask.text.tokenizer import Tokenizer, library_failure, mark
from unmask.text.vocabularies import Form, find_form

__all__ = ["folder_template", "gguf_template", "read_folder", "read_gguf"]

OTHER_FILE = "tekken.json"  # Mistral's, which is not read


def read_folder(folder: Path) -> Tokenizer | None:
    """The tokenizer of a folder as the Hub lays it out; None where there is no tokenizer file.

    tokenizer.json's own post-processor says whether a BOS begins a text: as in transformers, `add_bos_token` in
    tokenizer_config.json counts only where there are older files in its place.

    Raises:
        TokenizerError: if a file cannot be read, or the tokenizer is of a kind that we do not read.
    """
    found = find(folder)
    if found is None:
        refuse_other(folder / OTHER_FILE)
        return None
    path, form = found
    settings = Settings(folder, form.specials)
    backend = form.build(path, settings)
    check_growth(backend)
    add_tokens(backend, settings)
    form.surround(backend, settings)
    named = {**form.specials, **settings.config}
    ids = {name: backend.token_to_id(text) for name, text in settings.specials.items()}
    return Tokenizer(
        backend=backend,
        # A null in tokenizer_config.json means that there is no BOS, whatever the model's own files say.
        bos=ids.get("bos_token") if "bos_token" in named else settings.id("bos_token_id"),
        pad=ids.get("pad_token"),
        ends=frozenset(each for each in (ids.get("eos_token"), *settings.ids("eos_token_id")) if each is not None),
        specials=settings.specials,
    )


def find(folder: Path) -> tuple[Path, Form] | None:
    """The file that the vocabulary is in, and how to read it."""
    path = folder / "tokenizer.json"
    return (path, Form(read_json, specials={}, layout=None)) if path.is_file() else find_form(Settings(folder))


def read_json(path: Path, settings: Settings) -> tokenizers.Tokenizer:
    """tokenizer.json, which the library reads by itself."""
    try:
        data = path.read_bytes()
        check_file(data)
        return tokenizers.Tokenizer.from_buffer(data)
    except BaseException as error:
        raise unreadable(path, library_failure(error)) from error


def add_tokens(backend: tokenizers.Tokenizer, settings: Settings) -> None:
    """Add the tokens that only the small files know, and see to it that the named special ones are never cut.

    Raises:
        TokenizerError: if a token's id there is another one than in the vocabulary.
    """
    for token_id, token in settings.added.items():
        if backend.token_to_id(token.content) is None:
            mark(backend, [token])
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
    named = [token for token in settings.named.values() if backend.token_to_id(token.content) is not None]
    mark(backend, [token for token in named if token.content not in whole])


def refuse_other(path: Path) -> None:
    if path.is_file():
        raise TokenizerError(
            "{file}: tokenizers of this kind are not read. Put a tokenizer.json beside it; "
            "transformers writes one with AutoTokenizer.from_pretrained(...).save_pretrained(...).",
            file=path,
        )


def folder_template(folder: Path) -> ChatTemplate | None:
    """The chat template in chat_template.jinja, chat_template.json or tokenizer_config.json; None if none has one.

    Where there are several by name, it is the one called "default".

    Raises:
        TokenizerError: if a file cannot be read.
    """
    found = find(folder)
    settings = Settings(folder, found[1].specials if found else {})
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
