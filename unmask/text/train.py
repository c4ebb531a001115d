"""Learn a vocabulary from text, with the trainers of the `tokenizers` library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import tokenizers
from tokenizers import AddedToken, decoders, models, processors, trainers
from tokenizers.pre_tokenizers import ByteLevel

from unmask.base.errors import DataError, TokenizerError
from unmask.base.registry import nearest
from unmask.text.bytelevel import GPT2, byte_level
from unmask.text.subwords import check_room, fed, unigram_pieces, word_vocabulary
from unmask.text.surround import BERT, surround
from unmask.text.tokenizer import Tokenizer, mark
from unmask.text.wordpiece import BERT_SPECIALS, word_pieces

END, UNKNOWN = "<|endoftext|>", "<unk>"
UNIGRAM_SPECIALS = {"unk_token": UNKNOWN, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


def learn(kind: str, texts: Iterable[str], *, vocab: int, specials: Sequence[str] = ()) -> Tokenizer:
    """A vocabulary of at most `vocab` tokens; the same texts give the same one.

    Args:
        kind: "bytes", GPT-2's byte-level BPE, which spells any text; "wordpiece", BERT's, lower-cased, with every
            Chinese character a word; "unigram", SentencePiece's, which spells in bytes what is no piece; or
            "characters", the most frequent ones.
        texts: read once, one at a time.
        specials: control tokens beside those that models of this kind have. All come first in the vocabulary.
    Raises:
        DataError: if there is no text.
        TokenizerError: if `kind` is none of these, or `vocab` has no room for what every text needs.
    Source: Sennrich et al. 2016, section 3.2, on bytes as in GPT-2 (Radford et al. 2019), section 2.2; BERT (Devlin et
        al. 2019), section 3; Kudo 2018, section 3.2.
    """
    if kind not in KINDS:
        raise TokenizerError(
            "There is no kind of vocabulary named {kind!r:.60}. Did you mean {nearest!r}? Known are {known}.",
            kind=kind,
            nearest=nearest(kind, KINDS)[0],
            known=", ".join(KINDS),
        )
    return KINDS[kind](filled(texts), vocab, specials)


def filled(texts: Iterable[str]) -> Iterator[str]:
    """The texts that are more than blanks.

    Raises:
        DataError: if there is none.
    """
    full = (text for text in texts if text and not text.isspace())
    first = next(full, None)
    if first is None:
        raise DataError("There is no text to learn a vocabulary from: every document is empty. Give some text.")
    return chain((first,), full)


def byte_pairs(texts: Iterator[str], vocab: int, specials: Sequence[str]) -> Tokenizer:
    names, letters = [END, *specials], sorted(ByteLevel.alphabet())
    check_room(vocab, len(names) + len(letters))
    backend = byte_level(models.BPE(), GPT2)
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=names, initial_alphabet=letters, show_progress=False)
    fed(backend, texts, trainer)
    return finished(backend, names, dict.fromkeys(("bos_token", "eos_token", "unk_token"), END))


def word_piece(texts: Iterator[str], vocab: int, specials: Sequence[str]) -> Tokenizer:
    names = [*BERT_SPECIALS.values(), *specials]
    unknown = BERT_SPECIALS["unk_token"]
    backend = word_pieces(word_vocabulary(texts, vocab, names), unknown=unknown)
    surround(backend, {name: backend.token_to_id(BERT_SPECIALS[f"{name}_token"]) for name in ("cls", "sep")}, BERT)
    return finished(backend, names, BERT_SPECIALS)


def unigram(texts: Iterator[str], vocab: int, specials: Sequence[str]) -> Tokenizer:
    names = [*UNIGRAM_SPECIALS.values(), *specials]
    return finished(unigram_pieces(texts, vocab, names).backend(), names, UNIGRAM_SPECIALS)


def characters(texts: Iterator[str], vocab: int, specials: Sequence[str]) -> Tokenizer:
    names = [UNKNOWN, END, *specials]
    check_room(vocab, len(names) + 1)
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(text)
    counts = sorted((-count, letter) for letter, count in seen.items())
    letters = sorted(letter for _, letter in counts[: vocab - len(names)])
    ids = {token: number for number, token in enumerate([*names, *letters])}
    backend = tokenizers.Tokenizer(models.BPE(vocab=ids, merges=[], unk_token=UNKNOWN))
    backend.decoder = decoders.Fuse()
    return finished(backend, names, {"unk_token": UNKNOWN, "bos_token": END, "eos_token": END})


def finished(backend: tokenizers.Tokenizer, names: Sequence[str], roles: Mapping[str, str]) -> Tokenizer:
    """The tokenizer, with `names` its control tokens and `roles` what each of them is for."""
    mark(backend, [AddedToken(name, normalized=False, special=True) for name in names])
    ids = {role: number for role, name in roles.items() if (number := backend.token_to_id(name)) is not None}
    return Tokenizer(
        backend=backend,
        bos=ids.get("bos_token"),
        pad=ids.get("pad_token"),
        ends=frozenset({ids["eos_token"]} if "eos_token" in ids else ()),
        specials=dict(roles),
    )


KINDS: Mapping[str, Callable[[Iterator[str], int, Sequence[str]], Tokenizer]] = {
    "bytes": byte_pairs,
    "wordpiece": word_piece,
    "unigram": unigram,
    "characters": characters,
}
