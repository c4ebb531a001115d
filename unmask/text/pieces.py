"""A SentencePiece vocabulary, whatever file it came in -> the library's tokenizer.

Source: SentencePiece (Kudo and Richardson 2018); Unigram (Kudo 2018), section 3; BPE, whose merges are the scores.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from unmask.base.errors import TokenizerError
from unmask.text.screening import check_charsmap
from unmask.text.tokenizer import library_failure, mark, misfit

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6  # kinds of pieces
BLANK = "▁"  # how a blank is written in a piece
ENDS = rf"\A +|(?<![ {BLANK}])[ {BLANK}]++\z"  # the blanks around a text
BEGIN = r"\A"  # where the blank before a text is put; the library's Prepend would count it as the first character
LONGEST_PIECE = 1_000  # characters; the longest in use are runs of blanks, of some 100


@dataclass(frozen=True)
class Pieces:
    """The pieces with their scores and kinds, and what is done to a text before it is cut into them.

    `unigram`: the best-scoring cut of all, otherwise merges by score. `byte_fallback`: characters that are no piece
    are spelled in bytes. `charsmap` is SentencePiece's table of characters to replace. `prefix` puts a blank before
    the text; `squeeze` leaves one blank of several, and none at the ends.
    """

    texts: Sequence[str]
    scores: Sequence[float]
    kinds: Sequence[int]
    unigram: bool = False
    byte_fallback: bool = False
    charsmap: bytes = b""
    prefix: bool = True
    squeeze: bool = False

    def of_kind(self, kind: int) -> list[str]:
        return [text for text, each in zip(self.texts, self.kinds, strict=True) if each == kind]

    def backend(self) -> tokenizers.Tokenizer:
        """The library's tokenizer, without added tokens.

        Raises:
            TokenizerError: if the pieces contradict one another, or the table of characters is broken.
        """
        for index, (text, score) in enumerate(zip(self.texts, self.scores, strict=True)):
            if len(text) > LONGEST_PIECE or not math.isfinite(score):
                raise TokenizerError(
                    "Piece {index} of the vocabulary, {text!r:.60}, has {size} characters and score {score}; "
                    "at most {limit}, and a finite score, are allowed. Get the model's files again.",
                    index=index,
                    text=text,
                    size=len(text),
                    score=score,
                    limit=LONGEST_PIECE,
                )
        try:
            backend = tokenizers.Tokenizer(self.unigram_model() if self.unigram else self.merging_model())
            backend.normalizer = self.normalizer()
        except BaseException as error:
            raise misfit(library_failure(error)) from error
        if self.unigram and self.byte_fallback:
            # The library would take a text that reads "<0x41>" for the piece that stands for that byte.
            backend.pre_tokenizer = pre_tokenizers.Split(Regex("(?<=<)(?=0x[0-9A-F]{2}>)"), behavior="isolated")
        steps = [decoders.Replace(BLANK, " "), *[decoders.ByteFallback()] * self.byte_fallback, decoders.Fuse()]
        backend.decoder = decoders.Sequence([*steps, *[decoders.Strip(" ", 1, 0)] * self.prefix])
        return backend

    def unigram_model(self) -> models.Unigram:
        unknown = next((index for index, kind in enumerate(self.kinds) if kind == UNKNOWN), None)
        vocabulary = list(zip(self.texts, self.scores, strict=True))
        return models.Unigram(vocabulary, unk_id=unknown, byte_fallback=self.byte_fallback)

    def merging_model(self) -> models.BPE:
        return models.BPE(
            vocab={text: index for index, text in enumerate(self.texts)},
            merges=scored_merges(self.texts, self.scores, self.kinds),
            unk_token=next(iter(self.of_kind(UNKNOWN)), None),
            fuse_unk=True,
            byte_fallback=self.byte_fallback,
        )

    def normalizer(self) -> normalizers.Normalizer:
        steps: list[normalizers.Normalizer] = []
        if self.charsmap:
            check_charsmap(self.charsmap)
            steps.append(normalizers.Precompiled(self.charsmap))
        if self.squeeze:
            steps += [
                normalizers.Replace(Regex(ENDS), ""),
                normalizers.Replace(Regex(" {2,}"), " "),
            ]
        if self.prefix:
            # The library makes pieces that users defined ready like a text; the blank must leave those alone.
            own = "|".join(map(re.escape, self.of_kind(USER_DEFINED)))
            steps.append(normalizers.Replace(Regex(rf"{BEGIN}(?!(?:{own})\z)" if own else BEGIN), BLANK))
        return normalizers.Sequence([*steps, normalizers.Replace(" ", BLANK)])


def mark_pieces(backend: tokenizers.Tokenizer, pieces: Pieces) -> None:
    """Let control and user-defined pieces be found in a text as a whole, the latter as SentencePiece does it.

    Control pieces are found in the text as given, where SentencePiece has none at all: templates write them. What
    users defined is found in the text made ready, so that no second blank is put after it.
    """
    mark(backend, [AddedToken(text, normalized=False, special=True) for text in pieces.of_kind(CONTROL)])
    mark(backend, [AddedToken(text, normalized=True) for text in pieces.of_kind(USER_DEFINED)])


def scored_merges(texts: Sequence[str], scores: Sequence[float], kinds: Sequence[int]) -> list[tuple[str, str]]:
    """Every way to make an ordinary piece out of two others, best score first; among equals the longer left part."""
    known = {
        text: score
        for text, score, kind in zip(texts, scores, kinds, strict=True)
        if kind not in (UNKNOWN, CONTROL, USER_DEFINED)
    }
    merges = [
        (score, cut, text)
        for text, score in known.items()
        for cut in range(1, len(text))
        if text[:cut] in known and text[cut:] in known
    ]
    merges.sort(key=lambda merge: (-merge[0], -merge[1]))
    return [(text[:cut], text[cut:]) for _, cut, text in merges]
