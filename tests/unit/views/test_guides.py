from __future__ import annotations

from collections import Counter

import pytest
import torch

import unmask
from tests.unit.views.pages import check_stands_alone, chinese
from unmask.base.errors import RequestError
from unmask.views.guides import GUIDES
from unmask.views.guides.counts import counted
from unmask.views.guides.lookup import PRICES, hard, learned, soft
from unmask.views.guides.meanings import verdict
from unmask.views.occurrences import Occurrence, Senses


@pytest.mark.parametrize("tongue", ["en", "zh"])
@pytest.mark.parametrize("name", list(GUIDES))
def test_every_guide_stands_alone_in_both_languages(tiny_model: unmask.Model, name: str, tongue: str):
    view = GUIDES[name].make(tiny_model.core, tiny_model.reader, tongue=tongue)
    check_stands_alone(view)
    assert view.title == GUIDES[name].title(tongue)
    assert chinese(view.title) == (tongue == "zh")


@pytest.mark.parametrize("name", ["cat", "apple", "its", "lookup"])
def test_an_encoder_shows_every_guide_that_needs_no_writing(encoder_model: unmask.Model, name: str):
    check_stands_alone(GUIDES[name].make(encoder_model.core, encoder_model.reader, tongue="zh"))


def test_an_encoder_is_told_that_counting_wants_a_model_that_writes(encoder_model: unmask.Model):
    with pytest.raises(RequestError, match=r"does not write.*Choose a model that writes, such as smollm2:135m"):
        GUIDES["counting"].make(encoder_model.core, encoder_model.reader, tongue="en")


def test_counts_are_those_of_a_walk_through_the_text():
    words = list("abcabdabcbc")
    counts = counted(words)
    for left, right, following in {tuple(words[at : at + 3]) for at in range(len(words) - 2)}:
        together = [words[at + 2] for at in range(len(words) - 2) if words[at : at + 2] == [left, right]]
        assert counts.probability(["x", left, right], following) == Counter(together)[following] / len(together)
    assert counts.probability(["a", "b"], "z") == 0.0
    assert counts.probability(["z", "b"], "c") is None


def test_the_coffee_shop_gets_one_and_all_else_nothing(tiny_model: unmask.Model):
    for tongue in ("en", "zh"):
        met, unmet = GUIDES["counting"].make(tiny_model.core, tiny_model.reader, tongue=tongue).data["guesses"]
        assert [guess["counted"] for guess in met] == [1.0, 0.0, 0.0, 0.0, 0.0]
        assert [guess["counted"] for guess in unmet] == [None] * 5
        assert all(0 < guess["learnt"] < 1 for guess in met + unmet)


def test_what_a_model_learnt_of_a_word_is_its_score_after_the_beginning(tiny_model: unmask.Model):
    data = GUIDES["counting"].make(tiny_model.core, tiny_model.reader, tongue="en").data
    for beginning, row in zip(data["beginnings"], data["guesses"], strict=True):
        whole = tiny_model.score(f"{beginning} {row[0]['word']}")
        alone = tiny_model.score(beginning)
        assert row[0]["learnt"] == pytest.approx(2.718281828459045 ** (whole.total - alone.total), rel=1e-3)


def test_a_hard_lookup_is_a_dictionary_and_a_soft_one_a_blend():
    assert float(hard(["a", "b", "c"]).result) == PRICES[1]
    blend = soft(["a", "b", "c"])
    shares = [2.718281828459045 ** float(score) for score in blend.scores]
    mean = sum(share * price for share, price in zip(shares, PRICES, strict=True)) / sum(shares)
    assert float(blend.result) == pytest.approx(mean, rel=1e-5)
    assert min(PRICES) < mean < PRICES[1]


def test_the_learned_lookup_is_what_the_models_head_really_mixed(tiny_model: unmask.Model):
    seen = tiny_model.trace("The cat did not eat because it", unmask.core.trace.Watch(vectors=True))
    real = learned(tiny_model.core, seen, "it", "cat")
    assert real.gap < 1e-6
    weights = seen.trace.weights[real.layer][0, real.head, -1]
    values = seen.trace.vectors[real.layer].value[0, real.head]
    mixed = [sum(float(w) * float(v) for w, v in zip(weights, column, strict=True)) for column in values.T]
    torch.testing.assert_close(real.lookup.result, torch.tensor(mixed), rtol=1e-4, atol=1e-5)


def test_its_head_is_the_one_that_gives_most_to_the_law(tiny_model: unmask.Model):
    data = GUIDES["its"].make(tiny_model.core, tiny_model.reader, tongue="en").data
    seen = tiny_model.trace(data["text"], unmask.core.trace.Watch())
    own, law = (
        [at for at, (start, end) in enumerate(seen.spans) if start < stop and end > first]
        for first, stop in ((data["text"].find(" its ") + 1, data["text"].find(" its ") + 4), (4, 7))
    )
    best = max(
        (
            sum(float(seen.trace.weights[layer][0, head, row, column]) for row in own for column in law) / len(own),
            layer,
            head,
        )
        for layer in seen.trace.layers
        for head in seen.trace.heads
    )
    assert (data["layer"], data["head"]) == best[1:]
    assert data["share"][best[1]][best[2]] == pytest.approx(best[0], rel=1e-5)


@pytest.mark.parametrize(
    ("same", "apart", "text"),
    [(0.9, 0.5, "tells the meanings apart."), (0.9, 0.88, "apart a little"), (0.9, 0.895, "hardly tells")],
)
def test_a_verdict_claims_no_more_than_the_numbers(same: float, apart: float, text: str):
    kinds = torch.tensor([0, 0, 1, 1])
    cosines = torch.where(kinds[:, None] == kinds, same, apart)[None]
    found = Senses("x", ("x",) * 4, tuple(Occurrence(at, 0, 1, (0,)) for at in range(4)), False, cosines)
    assert text in verdict(found, [0, 0, 1, 1], "tiny", "en")
