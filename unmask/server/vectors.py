"""Rows of ids to vectors on a model's thread, a batch at a time; what routes for embeddings and for ranks share."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeVar

from unmask.base.errors import ContextError
from unmask.generation.vectors import vectors
from unmask.server.refusals import FieldError

if TYPE_CHECKING:
    from torch import Tensor

    from unmask.model import Model
    from unmask.server.inputs import Rows

T = TypeVar("T")


def batches(model: Model, rows: Rows, use: Callable[[int, Tensor], T]) -> Generator[list[T], None, None]:
    """What `use` makes of each row's number and vector [W], in the order in which they are made."""
    for batch, made in vectors(model.core, rows, model.sentence.pooling):
        yield [use(index, vector) for index, vector in zip(batch, made.cpu(), strict=True)]


def check_rows(model: Model, rows: Rows, param: str) -> None:
    """Rows of ids as the client made them; nothing is put before or after them.

    Raises:
        FieldError: if an id is none of the model's.
        ContextError: if a row is longer than what the model reads.
    """
    vocab = model.spec.embedding.vocab
    for number, row in enumerate(rows):
        strange = next((each for each in row if not 0 <= each < vocab), None)
        if strange is not None:
            raise FieldError(
                "{param}: id {id} is outside this model's vocabulary, which has ids from 0 to {last}. LangChain's "
                "OpenAIEmbeddings sends ids of another model's vocabulary unless it is made with "
                "check_embedding_ctx_length=False.",
                param=f"{param}[{number}]",
                id=strange,
                last=vocab - 1,
            )
        if len(row) > model.longest:
            raise ContextError(
                "{where} has {tokens} tokens, and {name} reads at most {longest}. Divide it.",
                where=f"{param}[{number}]",
                tokens=len(row),
                name=model.name,
                longest=model.longest,
            )
