"""From a dictionary to attention: hard, soft and learned look-up, all by the same functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.base.language import translate
from unmask.core.alignment import Alignment, Dot, scores
from unmask.core.kernels import attend, attention_weights
from unmask.core.masks import KernelMask
from unmask.core.trace import Watch
from unmask.core.transformer import Transformer
from unmask.generation.look import Look, look
from unmask.generation.reader import Reader
from unmask.views.charts import ROW, Bar, bars
from unmask.views.guides.guide import STYLES, found, heading, lead, listing, page, prose, quoted
from unmask.views.labels import percent, visible
from unmask.views.occurrences import overlapping, word_spans
from unmask.views.svg import document, label
from unmask.views.view import View

ALL = KernelMask()
CERTAIN = 100.0
"""A scale at which the softmax of 1 against 0 is 1 to the last digit of float32."""
PRICES = (3.0, 5.0, 9.0)
TRAITS = ((1.0, 0.1), (0.9, 0.4), (0.1, 1.0))
"""How sweet and how sour three fruits are, by hand."""
ASKED = (1.0, 0.3)
SOFT_SCALE = 8.0
SHOWN = 4
WIDTH, NAMES, HEAD, GAP = 520, 120, 34, 18


@dataclass(frozen=True)
class Lookup:
    """A query against keys, in numbers.

    Args:
        names: of the keys.
        scores: [S], how well the query agrees with each.
        weights: [S], their softmax.
        result: [D], the values so weighted.
    """

    names: tuple[str, ...]
    scores: Tensor
    weights: Tensor
    result: Tensor


def title(tongue: str) -> str:
    return translate("From a dictionary to attention", tongue)


def asked(names: Sequence[str], query: Tensor, key: Tensor, value: Tensor, alignment: Alignment) -> Lookup:
    """One query [D] against keys and values [S, D], through the functions that every model here runs on."""
    queries, keys, values = query[None, None, None], key[None, None], value[None, None]  # one row, one head
    weights = attention_weights(queries, keys, ALL, alignment)
    result = attend(queries, keys, values, ALL, alignment)
    return Lookup(tuple(names), scores(alignment, query, key), weights[0, 0, 0], result[0, 0, 0])


def hard(names: Sequence[str]) -> Lookup:
    """Ask for the second of three words: each word has a direction of its own, and a match counts for everything."""
    keys = torch.eye(len(names))
    return asked(names, CERTAIN * keys[1], keys, torch.tensor(PRICES)[:, None], Dot())


def soft(names: Sequence[str]) -> Lookup:
    """Ask for a fruit that is not in the book; those like it answer together."""
    return asked(names, SOFT_SCALE * torch.tensor(ASKED), torch.tensor(TRAITS), torch.tensor(PRICES)[:, None], Dot())


@dataclass(frozen=True)
class Learned:
    """One real head at one word; `gap` is how far the weights are from those that the model itself used."""

    layer: int
    head: int
    lookup: Lookup
    query: Tensor
    gap: float


def learned(core: Transformer, seen: Look, word: str, meant: str) -> Learned:
    """The head that looks most from a word to what it refers to, asked once more by hand."""
    place, target = (overlapping(seen, *word_spans(each, seen.text)[0])[-1] for each in (word, meant))
    share = torch.stack([seen.trace.weights[layer][0, :, place, target] for layer in seen.trace.layers])  # [N, H]
    layer, head = divmod(int(share.argmax()), share.shape[1])
    vectors, weights = seen.trace.vectors[layer], seen.trace.weights[layer][0, head, place]
    query = vectors.query[0, head, place]
    alignment = core.spec.blocks[layer].attention.alignment
    lookup = asked(names_of(seen), query, vectors.key[0, head], vectors.value[0, head], alignment)
    return Learned(layer, head, lookup, query, float((lookup.weights - weights).abs().max()))


def names_of(seen: Look) -> list[str]:
    """What to call each token; those that make up a character together are numbered."""
    counts, at, names = Counter(span for span in seen.spans if span[0] < span[1]), Counter[tuple[int, int]](), []
    for token, span in zip(seen.tokens, seen.spans, strict=True):
        at[span] += 1
        names.append(f"{visible(token)} {at[span]}/{counts[span]}" if counts[span] > 1 else visible(token))
    return names


def make(core: Transformer, reader: Reader, *, tongue: str) -> View:
    """The page; any model can show it."""
    text = translate("The cat did not eat because it", tongue)
    word, meant = translate("it", tongue), translate("cat", tongue)
    names = [translate("apple", tongue), translate("pear", tongue), translate("lemon", tongue)]
    seen = look(core, reader, text, watch=Watch(vectors=True))
    steps, real = (hard(names), soft(names)), learned(core, seen, word, meant)
    parts, height = figure([*steps, real.lookup], headings(tongue))
    return View(
        title=title(tongue),
        tongue=tongue,
        data={
            "model": reader.title,
            "hard": plain(steps[0]),
            "soft": plain(steps[1]),
            "learned": {"text": text, "layer": real.layer, "head": real.head, "gap": real.gap, **plain(real.lookup)},
        },
        svg=document(title(tongue), WIDTH, height, parts),
        styles=STYLES,
        body=page(
            lead(
                translate(
                    "Attention is looking something up. Three steps lead from a dictionary to what happens inside this "
                    "model, and all three are computed by one and the same function: attend(query, key, value).",
                    tongue,
                )
            ),
            *by_hand(steps, names, tongue),
            *in_the_model(real, text, word, reader.title, tongue),
        ),
        notes=(translate("The first two steps are made up by hand; the third is this model's own.", tongue),),
    )


def headings(tongue: str) -> list[str]:
    return [
        translate("1. Hard: a dictionary", tongue),
        translate("2. Soft: what is alike answers together", tongue),
        translate("3. Learned: queries, keys and values", tongue),
    ]


def plain(lookup: Lookup) -> dict[str, object]:
    return {
        "names": list(lookup.names),
        "scores": lookup.scores.tolist(),
        "weights": lookup.weights.tolist(),
        "result": lookup.result.tolist(),
    }


def by_hand(steps: Sequence[Lookup], names: Sequence[str], tongue: str) -> list[str]:
    """The first two steps in words and numbers."""
    first, second = headings(tongue)[:2]
    sharp, blended = steps
    head = [
        translate("key", tongue),
        translate("score", tongue),
        translate("weight", tongue),
        translate("price", tongue),
    ]
    return [
        heading(first),
        prose(
            translate(
                "A price list. Each fruit is a key with a direction of its own, (1, 0, 0), (0, 1, 0), (0, 0, 1), and "
                "its price is the value. Ask for “{name}”, with a scale so large that only an exact match counts.",
                tongue,
            ).format(name=names[1])
        ),
        listing(head, lines(sharp)),
        found(
            translate("The answer is {result:g}: the dictionary's, as if nothing had been mixed.", tongue).format(
                result=float(sharp.result)
            )
        ),
        heading(second),
        prose(
            translate(
                "Now describe each fruit by how sweet and how sour it is: {traits}. Ask for a quince, {asked}, which "
                "is not in the list. The scale is smaller, so that likeness counts and not only identity.",
                tongue,
            ).format(traits=", ".join(f"{name} {pair}" for name, pair in zip(names, TRAITS, strict=True)), asked=ASKED)
        ),
        listing(head, lines(blended)),
        found(
            translate(
                "The answer is {result:.2f}: {weights}. No key matched, and yet there is an answer, and a small "
                "change of the question would change it a little: that is what makes it learnable.",
                tongue,
            ).format(result=float(blended.result), weights=mixture(blended))
        ),
    ]


def lines(lookup: Lookup) -> list[list[str]]:
    return [
        [name, f"{float(score):.2f}", percent(float(weight)), f"{price:g}"]
        for name, score, weight, price in zip(lookup.names, lookup.scores, lookup.weights, PRICES, strict=True)
    ]


def mixture(lookup: Lookup) -> str:
    """The values with their weights, as a sum."""
    return " + ".join(f"{float(weight):.3f} · {price:g}" for weight, price in zip(lookup.weights, PRICES, strict=True))


def in_the_model(real: Learned, text: str, word: str, name: str, tongue: str) -> list[str]:
    """The third step: one real head."""
    head = [translate("key", tongue), translate("score", tongue), translate("weight", tongue)]
    table = [
        [token, f"{float(score):.2f}", percent(float(weight))]
        for token, score, weight in zip(real.lookup.names, real.lookup.scores, real.lookup.weights, strict=True)
    ]
    best = int(real.lookup.weights.argmax())
    return [
        heading(headings(tongue)[2]),
        prose(
            translate(
                "Nobody writes the vectors by hand any more: three matrices, learnt, make a query, a key and a value "
                "of each token, {width} numbers each. Here is head {head} of layer {layer} of {name}, asked by "
                "“{word}” in:",
                tongue,
            ).format(width=len(real.query), head=real.head, layer=real.layer, name=name, word=word)
        ),
        quoted(text),
        prose(
            translate("Its query begins {query}. Scores are dot products over the root of {width}.", tongue).format(
                query=beginning(real.query), width=len(real.query)
            )
        ),
        listing(head, table),
        found(
            translate(
                "Most weight, {weight}, goes to “{token}”. The answer is a vector again, the values so weighted, and "
                "begins {result}. The model itself used these very weights: the largest difference is {gap:.0e}.",
                tongue,
            ).format(
                weight=percent(float(real.lookup.weights[best])),
                token=real.lookup.names[best],
                result=beginning(real.lookup.result),
                gap=real.gap,
            )
        ),
    ]


def beginning(vector: Tensor) -> str:
    return f"({', '.join(f'{float(value):.2f}' for value in vector[:SHOWN])}, …)"


def figure(steps: Sequence[Lookup], headings: Sequence[str]) -> tuple[list[str], float]:
    """The weights of the three steps as bars, and how high that is."""
    parts, y = [], 0.0
    for step, name in zip(steps, headings, strict=True):
        parts.append(label(name, 4, y + HEAD / 2, size=13))
        rows = [
            Bar(key, float(weight), percent(float(weight)))
            for key, weight in zip(step.names, step.weights, strict=True)
        ]
        parts.append(bars(rows, x=0, y=y + HEAD, width=WIDTH, names=NAMES))
        y += HEAD + len(rows) * ROW + GAP
    return parts, y
