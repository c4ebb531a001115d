"""What `unmask.load` returns: a checkpoint one can ask for logits, text, answers, scores, vectors and blanks."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import overload

import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.base.language import language
from unmask.base.runtime import resolve_device, resolve_dtype
from unmask.checkpoints.hub import locate
from unmask.checkpoints.hub_calls import Report, silent
from unmask.checkpoints.push import push
from unmask.core.heads import MaskedTokenSpec
from unmask.core.pooling import PoolingSpec
from unmask.core.trace import Watch
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.families.load import Loaded, load_checkpoint
from unmask.families.save import save_folder
from unmask.families.save_gguf import save_gguf
from unmask.families.sentence import Sentence
from unmask.generation.answer import Answer, Order, Piece
from unmask.generation.beams import search
from unmask.generation.blanks import Blank, fill, with_blanks
from unmask.generation.look import Look, look
from unmask.generation.pairs import follows
from unmask.generation.reader import Reader
from unmask.generation.replies import Reply, pieces, replies
from unmask.generation.sampling import Sampling
from unmask.generation.score import Score, score
from unmask.generation.search import Hypothesis, Search
from unmask.generation.vectors import rows, vectors
from unmask.quantization.census import parameters, schemes
from unmask.text.chat import Message
from unmask.text.tokenizer import Tokenizer
from unmask.views.view import View

GREEDY = Sampling()
BEAMS = Search()
WEIGHTS = Watch()
CHAT = Sampling(repetition_penalty=1.1)
"""For a conversation where the makers advise nothing: greedy, but for the loops that small models fall into."""


def load(
    name_or_path: str | Path,
    *,
    dtype: str | None = None,
    device: str | None = None,
    allow_pickle: bool = False,
    quantize: str | None = None,
) -> Model:
    """A model from a Hub-layout folder, a GGUF file, or the name of one that was pulled.

    Args:
        dtype: "float32", "bfloat16" or "float16"; None keeps the stored one (float32 for GGUF).
        device: as torch names it; None takes CUDA where there is one.
        allow_pickle: read pickled `.bin` weights where there are no others; only for makers you trust.
        quantize: hold the weights in few bits: a scheme's name (`unmask.quantization.schemes`), or "stored" for the
            blocks of a GGUF file as they are; None is exact.
    Raises:
        ModelNotFound: if the name leads to nothing on this machine; nothing is ever downloaded here.
        CheckpointError, TokenizerError, TemplateError: if the files are not what they claim to be.
        RequestError: if `dtype`, `device` or `quantize` cannot be had.
    """
    wanted, place = None if dtype is None else resolve_dtype(dtype), resolve_device(device)
    path = locate(name_or_path)
    loaded = load_checkpoint(path, dtype=wanted, device=place, allow_pickle=allow_pickle, quantize=quantize)
    return Model(str(name_or_path), loaded)


class Model:
    """A loaded checkpoint with its tokenizer and chat template."""

    def __init__(self, name: str, loaded: Loaded) -> None:
        self.name = name
        self.loaded = loaded
        self.family = loaded.family
        self.spec: TransformerSpec = loaded.spec
        self.core: Transformer = loaded.model
        self.report = loaded.report
        self.reader = Reader(name, loaded.spec, loaded.tokenizer, loaded.template)
        self.sampling = advised(loaded.advice)

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to ids and back.

        Raises:
            TokenizerError: if the checkpoint came without one; ids still work.
        """
        return self.reader.tokenizer

    @property
    def context(self) -> int:
        """The longest row, prompt and answer together, in tokens."""
        return self.spec.context

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

    def logits(self, tokens: Tensor) -> Tensor:
        """Scores of every next token (of a masked model: of each place's own): ids [B, T] -> [B, T, V].

        Gradients flow unless the caller switches them off.

        Raises:
            ContextError: if a row is longer than the context.
            RequestError: if the ids are no integer matrix, or one is outside the vocabulary.
        """
        if tokens.dim() != 2 or tokens.is_floating_point():
            raise RequestError(
                "logits() wants integer ids of shape [B, T]; it was given shape {shape} of {dtype}.",
                shape=list(tokens.shape),
                dtype=tokens.dtype,
            )
        self.reader.check_length(tokens.shape[1])
        if tokens.numel() and (int(tokens.min()) < 0 or int(tokens.max()) >= self.spec.embedding.vocab):
            raise RequestError(
                "logits() was given ids from {low} to {high}; this vocabulary has ids from 0 to {last}.",
                low=int(tokens.min()),
                high=int(tokens.max()),
                last=self.spec.embedding.vocab - 1,
            )
        return self.core.logits(tokens.to(self.core.device))

    @overload
    def generate(
        self, prompt: str, *, sampling: Sampling = ..., limit: int | None = ..., stop: Sequence[str] = ...
    ) -> Reply: ...

    @overload
    def generate(
        self, prompt: list[str], *, sampling: Sampling = ..., limit: int | None = ..., stop: Sequence[str] = ...
    ) -> list[Reply]: ...

    def generate(
        self,
        prompt: str | list[str],
        *,
        sampling: Sampling = GREEDY,
        limit: int | None = None,
        stop: Sequence[str] = (),
    ) -> Reply | list[Reply]:
        """Continue a text, or several at once; a list of prompts gives a list of replies in its order.

        Args:
            limit: most tokens of each answer; None goes on to the model's own end or the end of the context.
            stop: strings that end an answer and are left out of it.
        Raises:
            ContextError: if a prompt does not fit; says both lengths.
            RequestError: if the model is an encoder, which writes nothing.
        """
        prompts = [prompt] if isinstance(prompt, str) else prompt
        answers = [self.answer(self.reader.spelled(each).ids, sampling, limit, stop) for each in prompts]
        written = replies(self.core, answers)
        return written[0] if isinstance(prompt, str) else written

    def chat(
        self,
        messages: Sequence[Message],
        *,
        sampling: Sampling | None = None,
        limit: int | None = None,
        stop: Sequence[str] = (),
    ) -> Reply:
        """Answer a conversation: a list of {"role": ..., "content": ...}, the last one the user's.

        Args:
            sampling: None takes what the model's makers advise (`self.sampling`).
        Raises:
            TemplateError: if the model has no chat template, or its template refuses the conversation.
        """
        answer = self.answer(self.reader.render(messages), sampling or self.sampling, limit, stop)
        return replies(self.core, [answer])[0]

    def stream(
        self,
        prompt: str | Sequence[Message],
        *,
        sampling: Sampling | None = None,
        limit: int | None = None,
        stop: Sequence[str] = (),
        resume: bool = False,
    ) -> Generator[Piece, None, None]:
        """An answer as it is written: to a text (greedy unless told) or a conversation (as advised unless told).

        Args:
            resume: go on with the conversation's last message, which is an answer that was cut.
        Closing the iterator stops the work. Errors in the request are raised here, not at the first piece.
        """
        text = isinstance(prompt, str)
        ids = self.reader.spelled(prompt).ids if isinstance(prompt, str) else self.reader.render(prompt, resume=resume)
        return pieces(self.core, self.answer(ids, sampling or (GREEDY if text else self.sampling), limit, stop))

    def search(self, prompt: str, wanted: Search = BEAMS, *, limit: int | None = None) -> list[Hypothesis]:
        """The likeliest continuations of a text that a beam search finds, the best first.

        Args:
            wanted: how widely to look, and how many to return.
            limit: most tokens of each; None goes on to the model's own end or the end of the context.
        Raises:
            ContextError: if the prompt does not fit.
            RequestError: if the model is an encoder, or there is no memory for so many beams.
        """
        self.reader.check_writes()
        order = Order(self.reader.spelled(prompt).ids, GREEDY, limit)
        return search(self.core, order, wanted, self.tokenizer)

    def score(self, text: str) -> Score:
        """How well the model foresees `text`: the logarithm of each token's probability, and the perplexity.

        Raises:
            ContextError: if the text is longer than the context.
            RequestError: if it is too short to foresee anything, or the model is an encoder.
        """
        self.reader.check_writes()
        encoding = self.reader.whole(text)
        if len(encoding.ids) < 2:
            raise RequestError("A score needs at least two tokens; this text has {count}.", count=len(encoding.ids))
        return score(self.core, text, encoding)

    def fill(self, text: str, *, best: int = 5) -> list[Blank]:
        """What the model would put into each blank of `text`, written [MASK] or in the model's own spelling.

        Args:
            best: how many guesses for each blank.
        Raises:
            RequestError: if the model does not fill blanks, or the text has none.
            ContextError: if the text is longer than the context.
        """
        if not isinstance(self.spec.head, MaskedTokenSpec):
            raise RequestError(
                "{name} has no head that fills blanks. Choose a masked model, such as BERT.", name=self.name
            )
        text = with_blanks(text, self.tokenizer)
        encoding = self.reader.whole(text)
        return fill(self.core, text, encoding, self.tokenizer, best=best)

    def follows(self, first: str, second: str) -> float:
        """How likely the model finds it that `second` follows `first` in a text (BERT's next sentence prediction).

        Raises:
            RequestError: if the model was not trained on that.
            ContextError: if both together are longer than the context.
        """
        return follows(self.core, self.reader.whole(first, second))

    @property
    def sentence(self) -> Sentence:
        """How texts become vectors: as the makers say, else (encoders) by the mean of the hidden states.

        Raises:
            RequestError: if this model was not made for it.
        """
        if self.loaded.sentence is None and self.spec.writes:
            raise RequestError(
                "{name} writes text and was not made to give vectors. Choose an encoder, such as {example}.",
                name=self.name,
                example="minilm",
            )
        return self.loaded.sentence or Sentence(PoolingSpec(), longest=self.context)

    @property
    def dimensions(self) -> int:
        """The width of its vectors."""
        return self.spec.width * len(self.sentence.pooling.ways)

    @property
    def longest(self) -> int:
        """The most tokens of a text to embed."""
        return self.sentence.longest

    def embed(self, texts: str | list[str], *, cut: bool = False) -> Tensor:
        """The vector of a text, [W], or of several, [N, W]; float32, of length 1 where the model is made so.

        Args:
            cut: read only the beginning of texts that are too long, instead of refusing them.
        Raises:
            ContextError: if a text is longer than the model reads; says which, and both lengths.
            RequestError: if the model was not made to give vectors.
        """
        rows = self.rows([texts] if isinstance(texts, str) else texts, cut=cut)
        found = self.embed_rows(rows)
        return found[0] if isinstance(texts, str) else found

    def rows(self, texts: Sequence[str], *, cut: bool = False) -> list[list[int]]:
        """The ids that `embed_rows` wants of these texts; as in `embed`."""
        found = rows([self.sentence.prepared(text) for text in texts], self.tokenizer, limit=self.longest, cut=cut)
        self.reader.check_ids(max((max(row, default=0) for row in found), default=0))
        return found

    def embed_rows(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """The vectors [N, W] of rows of ids."""
        found = torch.empty(len(rows), self.dimensions, device=self.core.device)
        for batch, made in vectors(self.core, rows, self.sentence.pooling):
            found[batch] = made
        return found

    def save(self, folder: str | Path) -> None:
        """Write a folder in the Hub's layout that transformers, and `load`, can read; weights in their present dtype.

        Raises:
            SpecError: if the Hub's layout has no words for this model.
            StorageError: if the disk is full or cannot be written.
        """
        save_folder(self.loaded, Path(folder))

    def save_gguf(self, path: str | Path, *, format: str = "f16") -> tuple[str, ...]:  # noqa: A002
        """Write a GGUF file that llama.cpp, and `load`, can read; returns what of the model it has no place for.

        Args:
            format: of the matrices: "f32", "f16", "bf16", "q8_0" or "q4_0".
        Raises:
            UnmaskError: if GGUF has no words for this model or its vocabulary.
            StorageError: if the disk is full or cannot be written.
        """
        return save_gguf(self.loaded, Path(path), name=Path(self.name).stem, format_name=format)

    def push_to_hub(self, repository: str, *, private: bool = True, report: Report = silent) -> str:
        """Save the model and upload it to the Hub as OWNER/NAME; its address there.

        Args:
            report: takes a sentence on each step.
        Raises:
            UnmaskError: if the Hub refuses or does not answer.
        """
        with TemporaryDirectory() as folder:
            self.save(folder)
            return push(Path(folder), repository, private=private, report=report)

    def trace(self, text: str, watch: Watch = WEIGHTS) -> Look:
        """Read a text and keep what happens inside: attention weights, vectors, hidden states.

        Args:
            watch: which layers and heads, and what of them.
        Raises:
            ContextError: if the text is longer than the context.
            RequestError: if a layer or head does not exist, or the memory does not hold so much.
        """
        return look(self.core, self.reader, text, watch=watch)

    def view(
        self, kind: str, *texts: str, word: str | None = None, layer: int | None = None, head: int | None = None
    ) -> View:
        """A page, picture and data of what goes on inside; `view.save("page.html")` writes it.

        Args:
            kind: "attention", "tokens", "lens", "positions"; "sense" of a `word` in several texts; "guide" of a name.
            layer, head: of attention, which to show first.
        Raises:
            ContextError: if a text is longer than the context.
            RequestError: if there is no such view, or nothing to show in it.
        """
        from unmask.views.menu import Wish, make

        return make(Wish(kind, texts, word, layer, head), self.core, self.reader, tongue=language())

    def answer(self, ids: tuple[int, ...], sampling: Sampling, limit: int | None, stop: Sequence[str]) -> Answer:
        self.reader.check_writes()
        order = Order(ids, sampling, limit, stop)
        vocab = self.spec.embedding.vocab
        return Answer(order, self.tokenizer, context=self.context, vocab=vocab, device=self.core.device)


def advised(settings: Mapping[str, object]) -> Sampling:
    """The makers' settings for a conversation, from generation_config.json; ours where they gave none."""
    if settings.get("do_sample") is False:
        return GREEDY
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
    given = {name: settings[name] for name in names if isinstance(settings.get(name), int | float)}
    return Sampling(**given) if given else CHAT  # type: ignore[arg-type]
