"""What `unmask.load_translator` returns: an encoder-decoder that turns texts into others, line by line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

from unmask.base.errors import RequestError, TokenizerError
from unmask.base.language import language
from unmask.base.runtime import resolve_device, resolve_dtype
from unmask.checkpoints.hub import locate
from unmask.families.seq2seq import LoadedSeq2Seq, load_seq2seq, save_seq2seq
from unmask.generation.aligned import Aligned, Side, align
from unmask.generation.answer import Finish, Piece
from unmask.generation.rendering import Manner
from unmask.generation.sampling import Sampling
from unmask.generation.search import Hypothesis, Search
from unmask.generation.translate import stream
from unmask.generation.translate import translate as translations
from unmask.quantization.census import parameters, schemes
from unmask.text.parts import parts
from unmask.text.stream import TextStream
from unmask.text.tokenizer import Tokenizer
from unmask.views.alignment import alignment_view
from unmask.views.view import View

BEAMS = Search()
GREEDY = Sampling()


@dataclass(frozen=True)
class Translation:
    """What became of one text.

    Args:
        text: the likeliest translation; a single line, and empty where there was nothing to translate.
        hypotheses: all that were asked for, the best first; of a text in several parts there is only `text`.
        parts: in how many it was read, since it is longer than what the model reads at once; 0 for an empty one.
        tokens: that were read of it.
        unknown: how many of them the vocabulary has no token for.
        written: tokens of `text`.
        finish: "length" where the limit or the context ended it, or one of its parts.
    """

    source: str
    text: str
    hypotheses: tuple[Hypothesis, ...] = ()
    parts: int = 0
    tokens: int = 0
    unknown: int = 0
    written: int = 0
    finish: Finish = "stop"


def load_translator(
    name_or_path: str | Path,
    *,
    dtype: str | None = None,
    device: str | None = None,
    allow_pickle: bool = False,
    quantize: str | None = None,
) -> Translator:
    """An encoder-decoder from a folder in the Hub's layout, or the name of one that was pulled.

    Args:
        dtype, device, allow_pickle, quantize: as `unmask.load` takes them.
    Raises:
        ModelNotFound: if the name leads to nothing on this machine; nothing is ever downloaded here.
        ArchitectureError: if it is no encoder-decoder that we have.
        CheckpointError, TokenizerError: if the files are not what they claim to be.
        RequestError: if `dtype`, `device` or `quantize` cannot be had.
    """
    wanted, place = None if dtype is None else resolve_dtype(dtype), resolve_device(device)
    loaded = load_seq2seq(
        locate(name_or_path), dtype=wanted, device=place, allow_pickle=allow_pickle, quantize=quantize
    )
    return Translator(str(name_or_path), loaded)


class Translator:
    """A loaded encoder-decoder with its vocabularies."""

    def __init__(self, name: str, loaded: LoadedSeq2Seq) -> None:
        self.name = name
        self.loaded = loaded
        self.core = loaded.model

    @property
    def source(self) -> Tokenizer:
        """Of what it reads.

        Raises:
            TokenizerError: if the checkpoint came without one.
        """
        return self.has(self.loaded.source)

    @property
    def target(self) -> Tokenizer:
        """Of what it writes; raises as `source` does."""
        return self.has(self.loaded.target)

    def has(self, tokenizer: Tokenizer | None) -> Tokenizer:
        if tokenizer is None:
            raise TokenizerError("{name} came without a tokenizer, so it can read no text.", name=self.name)
        return tokenizer

    @property
    def context(self) -> int:
        """The longest row, read or written, in tokens."""
        return self.core.context

    @property
    def parameters(self) -> int:
        return parameters(self.core)

    @property
    def quantization(self) -> str | None:
        """The scheme of its matrices, or several with a plus between them; None if they are exact."""
        return "+".join(schemes(self.core)) or None

    @property
    def dtype(self) -> str:
        """The numbers that its weights are, or their scheme."""
        return self.quantization or str(self.core.dtype).removeprefix("torch.")

    @property
    def device(self) -> str:
        return str(self.core.device)

    @property
    def search(self) -> Search:
        """How widely its makers advise to look, where they say so."""
        advice = self.loaded.advice
        beams, penalty = advice.get("num_beams"), advice.get("length_penalty")
        made = Search(beams=beams) if type(beams) is int and beams > 0 else BEAMS
        return replace(made, length_penalty=float(penalty)) if isinstance(penalty, int | float) else made

    @overload
    def translate(
        self, text: str, wanted: Search | Sampling | None = ..., *, limit: int | None = ...
    ) -> Translation: ...

    @overload
    def translate(
        self, text: list[str], wanted: Search | Sampling | None = ..., *, limit: int | None = ...
    ) -> list[Translation]: ...

    def translate(
        self, text: str | list[str], wanted: Search | Sampling | None = None, *, limit: int | None = None
    ) -> Translation | list[Translation]:
        """The translation of a text, or of several; see `lines`."""
        found = list(self.lines([text] if isinstance(text, str) else text, wanted, limit=limit))
        return found[0] if isinstance(text, str) else found

    def lines(
        self, texts: Iterable[str], wanted: Search | Sampling | None = None, *, limit: int | None = None
    ) -> Iterator[Translation]:
        """A translation of each text, in order, while the texts come: some are read ahead, to be translated together.

        A text that is too long is read in parts, whole sentences where they fit, and their translations are joined.

        Args:
            wanted: how widely to search, or how to draw by chance; None is what the model's makers advise.
            limit: most tokens of a translation of each part; None fills the context.
        Raises:
            RequestError: if the limit is not positive, or the search cannot be had.
        """
        pending: deque[Pending] = deque()

        def sources() -> Iterator[tuple[int, ...]]:
            for text in texts:
                pending.append(Pending(text, self.read(text)))
                yield from pending[-1].rows

        made = translations(self.core, sources(), wanted or self.search, self.manner(limit), self.target)
        for hypotheses in made:
            while not pending[0].rows:
                yield self.whole(pending.popleft())
            pending[0].found.append(hypotheses)
            if len(pending[0].found) == len(pending[0].rows):
                yield self.whole(pending.popleft())
        yield from map(self.whole, pending)

    def read(self, text: str) -> tuple[tuple[int, ...], ...]:
        """The rows of ids that are translated for a text; none if there is nothing in it."""
        text = text.strip()
        if not text:
            return ()
        added = len(self.source.encode("").ids)
        return tuple(self.source.encode(part.strip()).ids for part in parts(text, self.source, self.context - added))

    def whole(self, pending: Pending) -> Translation:
        """The translation of a text, all of whose parts are there."""
        gap = " " if " " in pending.text.strip() else ""
        unknown = self.source.id(self.source.specials.get("unk_token", ""))
        return Translation(
            source=pending.text,
            text=gap.join(one_line(each[0].text) for each in pending.found),
            hypotheses=tuple(pending.found[0]) if len(pending.found) == 1 else (),
            parts=len(pending.rows),
            tokens=sum(map(len, pending.rows)),
            unknown=sum(row.count(unknown) for row in pending.rows) if unknown is not None else 0,
            written=sum(len(each[0].tokens) for each in pending.found),
            finish="length" if any(each[0].finish == "length" for each in pending.found) else "stop",
        )

    def stream(self, text: str, sampling: Sampling = GREEDY, *, limit: int | None = None) -> Iterator[str]:
        """A translation as it is written, piece by piece; of a long text one part after another.

        Raises:
            RequestError: as `lines` does.
        """
        return (piece.text for piece in self.pieces(text, sampling, limit=limit))

    def pieces(self, text: str, sampling: Sampling = GREEDY, *, limit: int | None = None) -> Iterator[Piece]:
        """As `stream`, with the tokens counted; the last piece, and only it, says why the translation ended."""
        manner, rows = self.manner(limit), self.read(text)
        room, read = manner.rules(self.core, self.target).room, sum(map(len, rows))
        gap = " " if " " in text.strip() else ""
        written, cut, before = 0, False, ""
        for row in rows:
            said, begun = TextStream(self.target), written
            for token in stream(self.core, row, sampling, manner, self.target):
                written += 1
                yield Piece(before + said.push(token).replace("\n", " "), None, read, written, id=token)
                before = ""
            cut = cut or written - begun == room
            before += said.flush().replace("\n", " ") + gap
        yield Piece(before.removesuffix(gap), "length" if cut else "stop", read, written)

    def manner(self, limit: int | None) -> Manner:
        """How it writes: as its makers say.

        Raises:
            RequestError: if they do not say what begins a translation.
        """
        loaded = self.loaded
        if loaded.start is None:
            raise RequestError(
                "{name} does not say which token begins a translation: decoder_start_token_id is missing in its "
                "config.json. Add it there.",
                name=self.name,
            )
        forced = loaded.advice.get("forced_eos_token_id")
        return Manner(
            loaded.start, loaded.ends, loaded.never, forced=forced if type(forced) is int else None, limit=limit
        )

    def alignment(self, source: str, target: str | None = None) -> Aligned:
        """Where the model looks in a text as it says each word of a translation; its own if none is given.

        Raises:
            RequestError: if the model has no attention, or a text is empty or too long for it.
        """
        if target is None:
            target = next(self.lines([source])).text
        sides = Side.of(source.strip(), self.source), Side.of(target.strip(), self.target)
        return align(self.core, *sides, start=self.manner(None).start)

    def view(
        self, source: str, target: str | None = None, *, layer: int | None = None, head: int | None = None
    ) -> View:
        """The alignment as a page, a picture or numbers; see `alignment`."""
        found = self.alignment(source, target)
        return alignment_view(found, name=self.name, tongue=language(), layer=layer, head=head)

    def save(self, folder: str | Path) -> None:
        """Write a folder in the Hub's layout that `load_translator` can read, and transformers where it has the family.

        Raises:
            SpecError: if that layout has no words for this model.
            StorageError: if the disk is full or cannot be written.
        """
        save_seq2seq(self.loaded, Path(folder))


@dataclass
class Pending:
    """A text that is being translated: the rows it is read as, and what was found of them so far."""

    text: str
    rows: tuple[tuple[int, ...], ...]
    found: list[list[Hypothesis]] = field(default_factory=list)


def one_line(text: str) -> str:
    """A text without line ends: one line of input is one line of output."""
    return text.replace("\n", " ").strip()
