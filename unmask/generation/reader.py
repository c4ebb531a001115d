"""What is said to a model, as ids that it has embeddings for; and what it may not be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unmask.base.errors import ContextError, RequestError, TemplateError, TokenizerError
from unmask.core.heads import NextTokenSpec
from unmask.core.transformer import TransformerSpec
from unmask.text.chat import ChatTemplate, Message
from unmask.text.tokenizer import Encoding, Tokenizer


@dataclass(frozen=True, eq=False)
class Reader:
    """How the model of this name reads. Both its tokenizer and its chat template may be missing."""

    name: str
    spec: TransformerSpec
    vocabulary: Tokenizer | None
    template: ChatTemplate | None

    @property
    def title(self) -> str:
        """What to call the model on a page that may be shown to others: of a path on this machine only the end."""
        path = Path(self.name)
        return path.name if path.is_absolute() or self.name.startswith((".", "~")) else self.name

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Text to ids and back.

        Raises:
            TokenizerError: if the checkpoint came without one; ids still work.
        """
        if self.vocabulary is None:
            raise TokenizerError(
                "{name} came without a tokenizer, so it cannot read or write text. "
                "Put tokenizer.json beside its weights, or work with ids through logits().",
                name=self.name,
            )
        return self.vocabulary

    def spelled(self, text: str, pair: str | None = None, *, special: bool = True) -> Encoding:
        """The ids of a text or a pair.

        Raises:
            TokenizerError: if the tokenizer is of another model, or cannot spell the text.
        """
        encoding = self.tokenizer.encode(text, pair, special=special)
        self.check_ids(max(encoding.ids, default=0))
        return encoding

    def whole(self, text: str, pair: str | None = None) -> Encoding:
        """As `spelled`, of what must fit into the context.

        Raises:
            ContextError: if it does not; says both lengths.
        """
        encoding = self.spelled(text, pair)
        self.check_length(len(encoding.ids))
        return encoding

    def render(
        self,
        messages: Sequence[Message],
        *,
        resume: bool = False,
        answer: bool = True,
        tools: Sequence[Mapping[str, Any]] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> tuple[int, ...]:
        """A conversation as the ids that the chat template makes of it, up to where the model is to write.

        Args:
            resume: go on with the last message, which is the model's own, instead of beginning a new one.
            answer: begin a new one; otherwise the ids end with the last message.
            tools, settings: as for `ChatTemplate.render`.
        Raises:
            RequestError: if the model is an encoder.
            TemplateError: if there is no template, or it refuses the conversation.
        """
        self.check_writes()
        if self.template is None:
            raise TemplateError(
                "{name} has no chat template, so it cannot hold a conversation. Use generate() with a text instead.",
                name=self.name,
            )
        if resume:
            text = self.template.resume(messages, tools=tools, settings=settings)
        else:
            text = self.template.render(messages, answer=answer, tools=tools, settings=settings)
        return self.spelled(text, special=False).ids

    def check_writes(self) -> None:
        """
        Raises:
            RequestError: if the model is an encoder, or writes into blanks only.
        """
        if isinstance(self.spec.head, NextTokenSpec) and not self.spec.writes:
            raise RequestError(
                "{name} writes into the blanks of a text, which unmask cannot ask of it yet; its logits can be had, "
                "with positions and a mask, by core.logits().",
                name=self.name,
            )
        if not self.spec.writes:
            raise RequestError(
                "{name} is an encoder: it reads whole texts and writes none. Use embed() or fill().",
                name=self.name,
            )

    def check_ids(self, largest: int) -> None:
        """
        Raises:
            TokenizerError: if the model has no embedding for this id.
        """
        vocab = self.spec.embedding.vocab
        if largest >= vocab:
            raise TokenizerError(
                "Id {id} of the text is outside the model's {vocab} embeddings: "
                "the tokenizer and the weights are not of the same model.",
                id=largest,
                vocab=vocab,
            )

    def check_length(self, tokens: int) -> None:
        """
        Raises:
            ContextError: if a row of so many tokens is longer than the context.
        """
        context = self.spec.context
        if tokens > context:
            raise ContextError(
                "The text has {tokens} tokens and the model's context holds {context}. Shorten it by {excess} tokens.",
                tokens=tokens,
                context=context,
                excess=tokens - context,
            )
