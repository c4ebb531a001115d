"""The vocabulary in a GGUF file's metadata -> Tokenizer.

Source: the GGUF specification, "Tokenizer"; SentencePiece (Kudo and Richardson 2018), whose merges are the scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers

from unmask.base.errors import TokenizerError
from unmask.base.registry import nearest
from unmask.text.bytelevel import WORD_SPLITS, WordSplit, byte_level, surround
from unmask.text.tokenizer import Tokenizer, library_failure

PREFIX = "tokenizer.ggml."
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4  # types of tokens; the others need no care here

# A file names one end of text, often that of pretraining, while a chat model ends its turn with a token of its own.
# Where one of these is a control token of the vocabulary, no answer goes on after it.
TURN_ENDS = frozenset({"<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>"})


@dataclass(frozen=True)
class Vocabulary:
    """The metadata under "tokenizer.ggml.", each part checked when it is first asked for.

    Raises:
        TokenizerError: on use, if a part contradicts the others.
    """

    metadata: Mapping[str, object]

    def get(self, name: str, usual: object = None) -> object:
        return self.metadata.get(PREFIX + name, usual)

    def entries(self, name: str, kind: type | tuple[type, ...]) -> list[Any]:
        """The list under `name`, all of its entries of one kind."""
        value = self.get(name)
        if not isinstance(value, list) or not all(isinstance(each, kind) for each in value):
            raise TokenizerError(
                "tokenizer.ggml.{name} is missing, or is not a list of the right kind. Get the GGUF file again.",
                name=name,
            )
        return value

    def numbers(self, name: str) -> list[Any]:
        """A number for each token."""
        value = self.entries(name, (int, float))
        if len(value) != len(self.tokens):
            raise TokenizerError(
                "tokenizer.ggml.{name} has {count} entries for {size} tokens. Get the GGUF file again.",
                name=name,
                count=len(value),
                size=len(self.tokens),
            )
        return value

    @cached_property
    def tokens(self) -> list[str]:
        return [token or f"[EMPTY_{index}]" for index, token in enumerate(self.entries("tokens", str))]

    @cached_property
    def ids(self) -> dict[str, int]:
        ids = {token: index for index, token in enumerate(self.tokens)}
        if len(ids) != len(self.tokens):
            twice = next(token for index, token in enumerate(self.tokens) if ids[token] != index)
            raise TokenizerError(
                "tokenizer.ggml.tokens holds {token!r:.60} twice. Get the GGUF file again.", token=twice
            )
        return ids

    @cached_property
    def types(self) -> list[int]:
        return [NORMAL] * len(self.tokens) if self.get("token_type") is None else self.numbers("token_type")

    def of_type(self, kind: int) -> list[str]:
        return [token for token, each in zip(self.tokens, self.types, strict=True) if each == kind]

    def special(self, name: str) -> int | None:
        """The id under `{name}_token_id`; None where there is none."""
        found = self.get(f"{name}_token_id")
        if found is None:
            return None
        if not isinstance(found, int) or not 0 <= found < len(self.tokens):
            raise TokenizerError(
                "tokenizer.ggml.{name}_token_id is {id!r:.40}, not one of the {size} ids. Get the GGUF file again.",
                name=name,
                id=found,
                size=len(self.tokens),
            )
        return found


def read_gguf(metadata: Mapping[str, object]) -> Tokenizer | None:
    """The tokenizer that a GGUF file's metadata describes; None if it describes none.

    Raises:
        TokenizerError: if the kind of vocabulary is not known, or its parts contradict one another.
    """
    vocabulary = Vocabulary(metadata)
    model = vocabulary.get("model", "none")
    if model in ("none", "no_vocab"):
        return None
    if model == "gpt2":
        split = word_split(vocabulary)
        backend = byte_level(
            merging(vocabulary, merges=listed_merges(vocabulary), ignore_merges=split.whole_words), split
        )
        add_bos = split.bos
    elif model == "llama":
        backend = sentencepiece(vocabulary)
        add_bos = True
    else:
        raise unknown("model", model, ("gpt2", "llama"))
    return finish(vocabulary, backend, add_bos=add_bos)


def special_texts(metadata: Mapping[str, object]) -> dict[str, str]:
    """The texts of bos_token, eos_token and their like, as a chat template wants them."""
    vocabulary = Vocabulary(metadata)
    names = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    ids = {name: vocabulary.special(key) for name, key in names.items()}
    return {name: vocabulary.tokens[each] for name, each in ids.items() if each is not None}


def word_split(vocabulary: Vocabulary) -> WordSplit:
    """How text is cut into words before merging; a wrong guess would give wrong ids in silence, so none is made."""
    name = str(vocabulary.get("pre", "default"))
    if name not in WORD_SPLITS:
        raise unknown("pre", name, tuple(WORD_SPLITS))
    return WORD_SPLITS[name]


def unknown(part: str, value: object, known: Sequence[str]) -> TokenizerError:
    return TokenizerError(
        "tokenizer.ggml.{part} is {value!r:.60}; known are {known}. The nearest is {nearest!r}. "
        "Get the model as a folder with a tokenizer.json.",
        part=part,
        value=value,
        known=", ".join(known),
        nearest=nearest(str(value), known, count=1)[0],
    )


def listed_merges(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Pairs of tokens, the first to be merged first."""
    merges = []
    for index, merge in enumerate(vocabulary.entries("merges", str)):
        left, _, right = merge.partition(" ")
        if not left or not right or " " in right:
            raise TokenizerError(
                "tokenizer.ggml.merges, entry {index}: {merge!r:.60} is not two tokens with a blank between. "
                "Get the GGUF file again.",
                index=index,
                merge=merge,
            )
        merges.append((left, right))
    return merges


def scored_merges(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Every way to make an ordinary token out of two others, best score first; among equals the longer left part."""
    kinds = zip(vocabulary.tokens, vocabulary.types, vocabulary.numbers("scores"), strict=True)
    scores = {token: score for token, kind, score in kinds if kind not in (UNKNOWN, CONTROL, USER_DEFINED)}
    merges = [
        (score, cut, token)
        for token, score in scores.items()
        for cut in range(1, len(token))
        if token[:cut] in scores and token[cut:] in scores
    ]
    merges.sort(key=lambda merge: (-merge[0], -merge[1]))
    return [(token[:cut], token[cut:]) for _, cut, token in merges]


def merging(vocabulary: Vocabulary, *, merges: Sequence[tuple[str, str]], **options: Any) -> models.BPE:
    """The library's model of a vocabulary and its merges."""
    try:
        return models.BPE(vocab=vocabulary.ids, merges=merges, **options)
    except BaseException as error:
        raise TokenizerError(
            "The tokenizer's merges do not fit its vocabulary: {reason:.200}. Get the GGUF file again.",
            reason=str(library_failure(error)),
        ) from error


def sentencepiece(vocabulary: Vocabulary) -> tokenizers.Tokenizer:
    """Llama's kind: merges by score over characters, and bytes for characters that are not in the vocabulary."""
    unknown_token = next(iter(vocabulary.of_type(UNKNOWN)), None)
    model = merging(
        vocabulary, merges=scored_merges(vocabulary), unk_token=unknown_token, fuse_unk=True, byte_fallback=True
    )
    backend = tokenizers.Tokenizer(model)
    blanks = normalizers.Replace(" ", "▁")
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if vocabulary.get("add_space_prefix", True):
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), blanks])
        steps.append(decoders.Strip(" ", 1, 0))
    else:
        backend.normalizer = blanks
    backend.decoder = decoders.Sequence(steps)
    return backend


def finish(vocabulary: Vocabulary, backend: tokenizers.Tokenizer, *, add_bos: bool) -> Tokenizer:
    """Mark the added tokens, and put BOS and EOS around a text where the file, or else `add_bos`, wants them."""
    controls = vocabulary.of_type(CONTROL)
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in controls])
    backend.add_tokens([AddedToken(token, normalized=False) for token in vocabulary.of_type(USER_DEFINED)])
    bos, eos, eot, pad = (vocabulary.special(name) for name in ("bos", "eos", "eot", "padding"))
    surround(
        backend,
        bos=bos if vocabulary.get("add_bos_token", add_bos) else None,
        eos=eos if vocabulary.get("add_eos_token", False) else None,
    )
    turn_ends = {vocabulary.ids[token] for token in controls if token in TURN_ENDS}
    return Tokenizer(
        backend=backend,
        bos=bos,
        pad=pad,
        ends=frozenset(each for each in (eos, eot, *turn_ends) if each is not None),
        specials=special_texts(vocabulary.metadata),
    )
