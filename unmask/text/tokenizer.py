"""Text to ids with character spans, and ids to text: one small face over the `tokenizers` library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import tokenizers
from tokenizers import processors

from unmask.base.errors import TokenizerError

if TYPE_CHECKING:
    from unmask.text.grammars import Grammars


@dataclass(frozen=True)
class Encoding:
    """The ids of a text or of a pair of texts.

    `spans` has for each id the half-open span of characters it stands for in its own text, empty where an id was
    added; `segments` has for each id what BERT's kind of model adds to its embedding, 0 in the first text and 1 in the
    second (0 in both where the model makes no such difference).
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    segments: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """A model's vocabulary, immutable. `unmask.text.formats` builds it from a model's files.

    `bos` is the id that begins a text and `pad` the one that fills a row, if the model has them; `ends` are the ids
    that end an answer; `specials` maps names such as "eos_token" to texts, for the chat template.
    The backend's post-processor decides which ids `encode` adds around a text.
    """

    backend: tokenizers.Tokenizer = field(repr=False)
    bos: int | None
    pad: int | None
    ends: frozenset[int]
    specials: Mapping[str, str]

    def __post_init__(self) -> None:
        # A tokenizer.json may ask for a maximum length: text would be cut without a word.
        self.backend.no_truncation()
        self.backend.no_padding()
        keep_spaces(self.backend.post_processor)

    @cached_property
    def size(self) -> int:
        """Rows of the vocabulary, added tokens included: one more than the largest id."""
        return max(self.backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    @cached_property
    def controls(self) -> frozenset[int]:
        """The ids that `decode` leaves out unless told otherwise."""
        return frozenset(each for each, token in self.backend.get_added_tokens_decoder().items() if token.special)

    @cached_property
    def mask(self) -> int | None:
        """The id that stands for a word to be guessed; None where the model has none."""
        text = self.specials.get("mask_token")
        return None if text is None else self.id(text)

    @cached_property
    def grammars(self) -> Grammars:
        """What compiles grammars for this vocabulary; it takes some tenths of a second to make.

        Raises:
            MissingExtra: if the package for it is not installed.
        """
        from unmask.text.grammars import Grammars

        return Grammars(self)

    def encode(self, text: str, pair: str | None = None, *, special: bool = True) -> Encoding:
        """The ids of a text, or of two. `special` adds those that the model expects around them (a BOS, say).

        Raises:
            TokenizerError: if the text holds half a character (a lone surrogate), or the vocabulary cannot spell it.
        """
        try:
            encoding = self.backend.encode(text, pair, add_special_tokens=special)
        except BaseException as error:
            raise encode_error((text, pair or ""), library_failure(error)) from error
        spans, at = [], 0
        for span, added in zip(encoding.offsets, encoding.special_tokens_mask, strict=True):
            span = (at, at) if added else span
            spans.append(span)
            at = span[1]
        return Encoding(ids=tuple(self.numbers(encoding)), spans=tuple(spans), segments=tuple(encoding.type_ids))

    def rows(self, texts: Sequence[str], *, special: bool = True) -> list[list[int]]:
        """The ids of many texts, encoded side by side on all cores; each as `encode` gives them.

        Raises:
            TokenizerError: as `encode` does; says which text is meant.
        """
        try:
            return self.numbered(texts, special)
        except BaseException as error:
            failed = encode_error((), library_failure(error))
            for index, text in enumerate(texts):
                try:
                    self.encode(text, special=special)
                except TokenizerError as reason:
                    raise TokenizerError("Text {number}: {reason}", number=index + 1, reason=reason) from reason
            raise failed from error

    def cut(self, text: str, limit: int) -> list[int]:
        """The ids of the beginning of a text: at most `limit`, those around it included.

        Raises:
            TokenizerError: as `encode` does, or if what this tokenizer adds leaves no room for the text.
        """
        try:
            encoding = self.backend.encode(text)
        except BaseException as error:
            raise encode_error((text,), library_failure(error)) from error
        ids, added = self.numbers(encoding), list(encoding.special_tokens_mask)
        before = added.index(0) if 0 in added else len(ids)
        after = added[::-1].index(0) if 0 in added else 0
        if before + after >= limit or any(added[before : len(ids) - after]):
            raise TokenizerError(
                "This model's tokenizer adds ids to a text in a way that leaves no room to cut it to {limit}. "
                "Shorten the text.",
                limit=limit,
            )
        return ids if len(ids) <= limit else ids[: limit - after] + ids[len(ids) - after :]

    def numbers(self, encoding: tokenizers.Encoding) -> list[int]:
        """The ids of what the library made of a text."""
        return list(encoding.ids)

    def numbered(self, texts: Sequence[str], special: bool) -> list[list[int]]:
        """The ids of many texts, by the quickest way."""
        return [each.ids for each in self.backend.encode_batch_fast(list(texts), add_special_tokens=special)]

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        """The text of some ids; bytes that are no valid UTF-8 become U+FFFD.

        Raises:
            TokenizerError: if an id is not in the vocabulary, or the tokenizer's files are broken.
        """
        for token_id in ids:
            self.token(token_id)
        try:
            return str(self.backend.decode(list(ids), skip_special_tokens=skip_special))
        except BaseException as error:
            raise TokenizerError(
                "This model's tokenizer cannot decode its own ids: {reason:.200}. Get the model's files again.",
                reason=str(library_failure(error)),
            ) from error

    def token(self, token_id: int) -> str:
        """The token with this id, spelled as in the vocabulary (a space may be "Ġ" or "▁").

        Raises:
            TokenizerError: if there is none.
        """
        token = self.backend.id_to_token(token_id) if 0 <= token_id < self.size else None
        if token is None:
            raise strange(token_id, self.size)
        return str(token)

    def id(self, token: str) -> int | None:
        """The id of a token spelled as in the vocabulary; None where there is no such token."""
        found: int | None = self.backend.token_to_id(token)
        return found


def keep_spaces(processor: object) -> None:
    """Let spans cover the spaces that tokens carry, so that neighbours touch and no character is lost between them."""
    if isinstance(processor, processors.Sequence):
        for step in processor:  # type: ignore[attr-defined] # it has no __iter__, but raises IndexError at its end
            keep_spaces(step)
    elif isinstance(processor, processors.ByteLevel | processors.RobertaProcessing):
        processor.trim_offsets = False


def mark(backend: tokenizers.Tokenizer, tokens: Iterable[tokenizers.AddedToken]) -> None:
    """Let these tokens be found in a text as a whole; what the vocabulary lacks of them is added to it.

    Raises:
        TokenizerError: if the library fails at it.
    """
    try:
        backend.add_tokens(list(tokens))
    except BaseException as error:
        raise misfit(library_failure(error)) from error


def misfit(error: BaseException) -> TokenizerError:
    """A vocabulary that the library refuses."""
    return TokenizerError(
        "The tokenizer's vocabulary contradicts itself: {reason:.200}. Get the model's files again.", reason=str(error)
    )


def library_failure(error: BaseException) -> BaseException:
    """The error, if it is the library's: of no narrower class than Exception, or a panic of its Rust, which is none.

    Anything else (Ctrl-C, say) is raised again.
    """
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return error
    raise error


def strange(token_id: int, size: int) -> TokenizerError:
    """An id that the vocabulary has not."""
    return TokenizerError(
        "Token id {id} is not in the vocabulary of {size} tokens. Were these ids made with another model's tokenizer?",
        id=token_id,
        size=size,
    )


def encode_error(texts: Sequence[str], error: BaseException) -> TokenizerError:
    """Why these texts could not be encoded."""
    for at, character in chain.from_iterable(map(enumerate, texts)):
        if "\ud800" <= character <= "\udfff":
            return TokenizerError(
                "Character {at} of the text is U+{code:04X}, half of a surrogate pair. Decode the text as UTF-8 anew.",
                at=at,
                code=ord(character),
            )
    return TokenizerError(
        "This model's tokenizer cannot spell the text: {reason:.200}. Check the tokenizer's files.", reason=str(error)
    )
