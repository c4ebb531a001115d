"""What `unmask.load` returns: a checkpoint one can ask for logits, text, answers and scores."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import torch
from torch import Tensor

from unmask.base.errors import ContextError, RequestError, TemplateError, TokenizerError
from unmask.base.runtime import resolve_device, resolve_dtype
from unmask.checkpoints.hub import locate
from unmask.core.transformer import Transformer, TransformerSpec
from unmask.families.load import Loaded, load_checkpoint
from unmask.generation.answer import Answer, Finish, Order
from unmask.generation.generate import generate
from unmask.generation.sampling import Sampling
from unmask.text.chat import ChatTemplate, Message
from unmask.text.tokenizer import Encoding, Tokenizer

GREEDY = Sampling()
CHAT = Sampling(repetition_penalty=1.1)
"""For a conversation where the makers advise nothing: greedy, but for the loops that small models fall into."""


@dataclass(frozen=True)
class Reply:
    """A finished answer; `str(reply)` is its text."""

    text: str
    tokens: tuple[int, ...]
    finish: Finish
    prompt_tokens: int

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Piece:
    """A part of an answer as it comes. The last one, and only it, has `finish`."""

    text: str
    finish: Finish | None
    prompt_tokens: int
    tokens: int
    """Of the answer so far."""


@dataclass(frozen=True)
class Score:
    """How well the model foresaw a text, token by token."""

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    """The text of each, as it stands in what was scored."""
    logprobs: tuple[float | None, ...]
    """Natural logarithms; None for the first, which nothing precedes."""
    total: float
    perplexity: float


def load(name_or_path: str | Path, *, dtype: str | None = None, device: str | None = None) -> Model:
    """A model from a Hub-layout folder, a GGUF file, or the name of one that was pulled.

    Args:
        dtype: "float32", "bfloat16" or "float16"; None keeps the stored one (float32 for GGUF).
        device: as torch names it; None takes CUDA where there is one.
    Raises:
        ModelNotFound: if the name leads to nothing on this machine; nothing is ever downloaded here.
        CheckpointError, TokenizerError, TemplateError: if the files are not what they claim to be.
    """
    wanted, place = None if dtype is None else resolve_dtype(dtype), resolve_device(device)
    return Model(str(name_or_path), load_checkpoint(locate(name_or_path), dtype=wanted, device=place))


class Model:
    """A loaded checkpoint with its tokenizer and chat template."""

    def __init__(self, name: str, loaded: Loaded) -> None:
        self.name = name
        self.family = loaded.family
        self.spec: TransformerSpec = loaded.spec
        self.core: Transformer = loaded.model
        self.report = loaded.report
        self.template: ChatTemplate | None = loaded.template
        self.sampling = advised(loaded.advice)
        self.maybe_tokenizer = loaded.tokenizer

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to ids and back.

        Raises:
            TokenizerError: if the checkpoint came without one; ids still work.
        """
        if self.maybe_tokenizer is None:
            raise TokenizerError(
                "{name} came without a tokenizer, so it cannot read or write text. "
                "Put tokenizer.json beside its weights, or work with ids through logits().",
                name=self.name,
            )
        return self.maybe_tokenizer

    @property
    def context(self) -> int:
        """The longest row, prompt and answer together, in tokens."""
        return self.spec.context

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.core.parameters())

    @property
    def dtype(self) -> str:
        return str(self.weight.dtype).removeprefix("torch.")

    @property
    def device(self) -> str:
        return str(self.weight.device)

    @property
    def weight(self) -> Tensor:
        return self.core.embedding.tokens.weight

    def logits(self, tokens: Tensor) -> Tensor:
        """Scores of every next token: ids [B, T] -> [B, T, V]. Gradients flow unless the caller switches them off.

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
        self.check_length(tokens.shape[1])
        if tokens.numel() and (int(tokens.min()) < 0 or int(tokens.max()) >= self.spec.embedding.vocab):
            raise RequestError(
                "logits() was given ids from {low} to {high}; this vocabulary has ids from 0 to {last}.",
                low=int(tokens.min()),
                high=int(tokens.max()),
                last=self.spec.embedding.vocab - 1,
            )
        return self.core.logits(tokens.to(self.weight.device))

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
        """
        prompts = [prompt] if isinstance(prompt, str) else prompt
        answers = [self.answer(self.spelled(each, special=True).ids, sampling, limit, stop) for each in prompts]
        for _ in generate(self.core, answers) if answers else ():
            pass
        replies = [finished(answer) for answer in answers]
        return replies[0] if isinstance(prompt, str) else replies

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
        answer = self.answer(self.render(messages), sampling or self.sampling, limit, stop)
        for _ in generate(self.core, [answer]):
            pass
        return finished(answer)

    def stream(
        self,
        prompt: str | Sequence[Message],
        *,
        sampling: Sampling | None = None,
        limit: int | None = None,
        stop: Sequence[str] = (),
    ) -> Generator[Piece, None, None]:
        """An answer as it is written: to a text (greedy unless told) or a conversation (as advised unless told).

        Closing the iterator stops the work. Errors in the request are raised here, not at the first piece.
        """
        text = isinstance(prompt, str)
        ids = self.spelled(prompt, special=True).ids if isinstance(prompt, str) else self.render(prompt)
        return pieces(self.core, self.answer(ids, sampling or (GREEDY if text else self.sampling), limit, stop))

    def score(self, text: str) -> Score:
        """How well the model foresees `text`: the logarithm of each token's probability, and the perplexity.

        Raises:
            ContextError: if the text is longer than the context.
            RequestError: if it is too short to foresee anything.
        """
        encoding = self.spelled(text, special=True)
        self.check_length(len(encoding.ids))
        if len(encoding.ids) < 2:
            raise RequestError("A score needs at least two tokens; this text has {count}.", count=len(encoding.ids))
        tokens = torch.tensor([encoding.ids], device=self.weight.device)
        logprobs = [value for chunk in self.foreseen(tokens) for value in chunk.tolist()]
        return Score(
            ids=encoding.ids,
            tokens=tuple(text[start:end] for start, end in encoding.spans),
            logprobs=(None, *logprobs),
            total=sum(logprobs),
            perplexity=float(torch.tensor(-sum(logprobs) / len(logprobs)).exp()),
        )

    @torch.inference_mode()
    def foreseen(self, tokens: Tensor, *, rows: int = 256) -> list[Tensor]:
        """Log-probabilities of ids [1, T] from the second on, made `rows` at a time: all at once would hold [T, V]."""
        assert self.core.head is not None
        hidden = self.core(tokens)[0, :-1].split(rows)
        targets = tokens[0, 1:].split(rows)
        return [
            self.core.head(part).float().log_softmax(dim=-1).gather(1, target[:, None])[:, 0]
            for part, target in zip(hidden, targets, strict=True)
        ]

    def render(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """A conversation as the ids that its chat template makes of it."""
        if self.template is None:
            raise TemplateError(
                "{name} has no chat template, so it cannot hold a conversation. Use generate() with a text instead.",
                name=self.name,
            )
        return self.spelled(self.template.render(messages), special=False).ids

    def spelled(self, text: str, *, special: bool) -> Encoding:
        """Text to ids that the model has embeddings for."""
        encoding = self.tokenizer.encode(text, special=special)
        vocab = self.spec.embedding.vocab
        if encoding.ids and max(encoding.ids) >= vocab:
            raise TokenizerError(
                "Id {id} of the text is outside the model's {vocab} embeddings: "
                "the tokenizer and the weights are not of the same model.",
                id=max(encoding.ids),
                vocab=vocab,
            )
        return encoding

    def answer(self, ids: tuple[int, ...], sampling: Sampling, limit: int | None, stop: Sequence[str]) -> Answer:
        order = Order(ids, sampling, limit, stop)
        vocab = self.spec.embedding.vocab
        return Answer(order, self.tokenizer, context=self.context, vocab=vocab, device=self.weight.device)

    def check_length(self, tokens: int) -> None:
        if tokens > self.context:
            raise ContextError(
                "The text has {tokens} tokens and the model's context holds {context}. Shorten it by {excess} tokens.",
                tokens=tokens,
                context=self.context,
                excess=tokens - self.context,
            )


def pieces(core: Transformer, answer: Answer) -> Generator[Piece, None, None]:
    """One answer's pieces; empty ones are passed on so that a caller can stop between any two tokens."""
    for (text,) in generate(core, [answer]):
        yield Piece(text, answer.finish, len(answer.prompt), len(answer.tokens))


def finished(answer: Answer) -> Reply:
    assert answer.finish is not None, "generate() ends only when every answer has"
    return Reply(answer.text, tuple(answer.tokens), answer.finish, len(answer.prompt))


def advised(settings: Mapping[str, object]) -> Sampling:
    """The makers' settings for a conversation, from generation_config.json; ours where they gave none."""
    if settings.get("do_sample") is False:
        return GREEDY
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
    given = {name: settings[name] for name in names if isinstance(settings.get(name), int | float)}
    return Sampling(**given) if given else CHAT  # type: ignore[arg-type]
