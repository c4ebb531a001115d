"""How an answer is to be written: what requests for a chat, for a completion and for a middle all may say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from unmask.base.errors import RequestError
from unmask.generation.answer import Order
from unmask.generation.sampling import Sampling
from unmask.server.bounds import check_most
from unmask.server.forms import Formed
from unmask.server.inputs import check_ids
from unmask.server.refusals import FieldError
from unmask.server.schemas import Fields
from unmask.text.infill import infilled

if TYPE_CHECKING:
    from unmask.generation.grammar import Grammar
    from unmask.model import Model
    from unmask.server.limits import Limits

MOST = 16
"""Answers to one prompt."""
GREEDY = Sampling()


@dataclass(frozen=True)
class Asked:
    """What each route says in its own way.

    Args:
        limit: most tokens of the answer.
        advised: how tokens are chosen where the request does not say.
        chances, prompt_chances: as in `Order`.
        grammar: the answer's form.
    """

    limit: int | None
    advised: Sampling = GREEDY
    chances: int | None = None
    prompt_chances: int | None = None
    grammar: Grammar | None = None


def as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Stop = Annotated[str, Field(min_length=1, max_length=256)]
StopList = Annotated[list[Stop], Field(max_length=4)]
# A list from here on, so that a complaint names a place in it and not a branch of a union.
Stops = Annotated[
    StopList,
    BeforeValidator(as_list, json_schema_input_type=Stop | StopList),
]
TokenId = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
Bias = Annotated[float, Field(ge=-100, le=100)]


class StreamOptions(Fields):
    include_usage: bool | None = Field(None, description="Tell the usage in an event of its own at the end.")


class Wish(Formed):
    """Of how tokens are chosen, what is left out or null is for the route to say."""

    stream: bool | None = Field(None, description="Send the answer while it is written, as server-sent events.")
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=MOST, description="How many answers; null is 1.")
    stop: Stops | None = Field(None, description="Up to 4 texts that end the answer and are not shown.")
    stop_token_ids: list[int] | None = Field(None, max_length=1024, description="Ids that end the answer.")
    ignore_eos: bool | None = Field(None, description="Do not let the model end its answer.")
    min_tokens: int | None = Field(None, ge=0, le=1 << 31, description="Do not let it end before so many tokens.")
    seed: int | None = Field(None, ge=-(2**63), lt=2**63, description="The same seed gives the same answer.")
    temperature: float | None = Field(None, ge=0, le=2, description="0 takes the likeliest token.")
    top_p: float | None = Field(None, ge=0, le=1, description="Only the likeliest tokens that have this together.")
    top_k: int | None = Field(None, ge=0, le=1 << 24, description="Only so many likeliest tokens; 0: all.")
    min_p: float | None = Field(None, ge=0, le=1, description="None below this share of the likeliest.")
    presence_penalty: float | None = Field(None, ge=-2, le=2, description="Against tokens that were written.")
    frequency_penalty: float | None = Field(None, ge=-2, le=2, description="The same, for each time.")
    repetition_penalty: float | None = Field(None, ge=0.01, le=100, description="The same as a factor; 1 is off.")
    logit_bias: dict[TokenId, Bias] | None = Field(
        None, max_length=1024, description="Token ids, and what is added to their logits."
    )
    user: str | None = Field(None, description="Taken and not used.")

    @property
    def with_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def sampling(self, advised: Sampling) -> Sampling:
        """What the model's makers advise, with what this request says instead."""
        names = {"temperature", "top_p", "top_k", "min_p", "seed"} | {
            f"{kind}_penalty" for kind in ("presence", "frequency", "repetition")
        }
        bias = tuple((int(token), value) for token, value in (self.logit_bias or {}).items())
        return replace(advised, bias=bias, **self.model_dump(include=names, exclude_none=True))

    def grammar(self, model: Model, limits: Limits) -> Grammar | None:
        """The form that is asked for, made ready for this model: the engine finds it made.

        Raises:
            FieldError: if it cannot be had.
        """
        form = self.form(limits)
        return check_grammar(*form, model) if form else None

    def order(self, prompt: tuple[int, ...], model: Model, asked: Asked) -> Order:
        """What is asked of the row of one answer.

        Raises:
            FieldError: if a value does not fit the model or another one.
        """
        vocab = vocab_of(model)
        check_ids(list(map(int, self.logit_bias or ())), "logit_bias", vocab=vocab)
        check_ids(self.stop_token_ids or (), "stop_token_ids", vocab=vocab)
        least = self.min_tokens or 0
        if asked.limit is not None and least > asked.limit:
            raise FieldError(
                "{param}: the answer is to have at least {least} tokens and at most {most}.",
                param="min_tokens",
                least=least,
                most=asked.limit,
            )
        return Order(
            prompt,
            self.sampling(asked.advised),
            asked.limit,
            stop=self.stop or (),
            ends=frozenset(self.stop_token_ids or ()),
            endless=bool(self.ignore_eos),
            least=least,
            chances=asked.chances,
            prompt_chances=asked.prompt_chances,
            grammar=asked.grammar,
        )

    def check_limits(self, limits: Limits) -> None:
        """
        Raises:
            FieldError: if it asks for more than this server gives.
        """
        stops = self.stop or ()
        check_most(
            [
                ("n", self.n or 1, limits.choices),
                ("stop", len(stops), limits.stops),
                *((f"stop[{number}]", len(stop), limits.stop_characters) for number, stop in enumerate(stops)),
                ("logit_bias", len(self.logit_bias or ()), limits.biases),
            ]
        )


def copies(order: Order, count: int) -> list[Order]:
    """The same order so many times; each but the first with a seed of its own, where there is a seed."""
    return [replace(order, sampling=sampling) for sampling in seeds(order.sampling, count)]


def seeds(sampling: Sampling, count: int) -> list[Sampling]:
    """The same settings so many times; each but the first with a seed of its own, where there is a seed."""
    seed = sampling.seed
    if seed is None:
        return [sampling] * count
    return [replace(sampling, seed=seed + number) for number in range(count)]


def vocab_of(model: Model) -> int:
    """How many ids there are that stand for something; embeddings are often padded to a round number of rows."""
    return min(model.spec.embedding.vocab, model.tokenizer.size)


def check_grammar(param: str, grammar: Grammar, model: Model) -> Grammar:
    """The grammar, if it is one for this model.

    Raises:
        FieldError: if it cannot be used; names the field that asks for it.
    """
    try:
        grammar.begin(model.tokenizer, vocab_of(model))
    except RequestError as error:
        raise FieldError("{param}: {reason}", param=param, reason=str(error)) from error
    return grammar


def check_writes(model: Model) -> None:
    """
    Raises:
        FieldError: if the model writes nothing.
    """
    if not model.spec.writes:
        raise FieldError(
            "{name} turns texts into vectors and cannot talk. Send texts to /v1/embeddings, or serve a chat model.",
            param="model",
            name=model.name,
        )


def filled(model: Model, before: str, after: str, param: str) -> tuple[int, ...]:
    """The prompt for what stands between two texts.

    Raises:
        FieldError: if the model was not made for that.
    """
    found = infilled(model.tokenizer, before, after)
    if found is None:
        raise FieldError(
            "{param}: {name} has no tokens to fill in the middle with, such as {example}. Leave {param} out, or serve "
            "a code model such as Qwen2.5-Coder.",
            param=param,
            name=model.name,
            example="<|fim_prefix|>",
        )
    return found
