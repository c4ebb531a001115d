from __future__ import annotations

import math

import pytest
import torch

import unmask
from tests.unit.views.pages import check_stands_alone, chinese
from unmask.base.errors import RequestError
from unmask.generation.foresight import Alternative, Foreseen, foresee
from unmask.generation.look import named
from unmask.views.tokens import cells_of, strength, tokens_view
from unmask.views.view import View


def foreseen(probability: float, rank: int = 0) -> Foreseen:
    return Foreseen(7, probability, rank, 1.5, (Alternative(7, " x", probability), Alternative(8, "y", 0.01)))


def view_of(model: unmask.Model, text: str, *, tongue: str = "en", start: int = 1) -> View:
    encoding = model.reader.whole(text)
    return tokens_view(
        text,
        encoding.spans,
        named(text, encoding, model.tokenizer),
        foresee(model.core, model.tokenizer, encoding.ids, start=start),
        masked=not model.spec.writes,
        name="tiny",
        tongue=tongue,
    )


def test_the_readings_are_the_models_own_probabilities(tiny_model: unmask.Model):
    text = "The quick fox."
    ids = tiny_model.reader.whole(text).ids
    view = view_of(tiny_model, text)
    logits = tiny_model.logits(torch.tensor([ids]))[0].detach()
    for at, reading in enumerate(view.data["readings"], start=1):
        row = logits[at - 1].double()
        exact = math.exp(float(row[ids[at]])) / sum(math.exp(float(value)) for value in row)
        assert reading["probability"] == pytest.approx(exact, rel=1e-4)
        assert text[reading["start"] : reading["end"]] == reading["token"]


def test_the_totals_are_those_of_the_definition():
    given = [foreseen(0.5), foreseen(0.125, rank=3), foreseen(0.25)]
    view = tokens_view(
        "abcd", [(0, 1), (1, 2), (2, 3), (3, 4)], list("abcd"), given, masked=False, name="m", tongue="en"
    )
    assert view.data["perplexity"] == pytest.approx((0.5 * 0.125 * 0.25) ** (-1 / 3))
    assert view.data["mean"] == pytest.approx(0.875 / 3)
    assert view.data["first_choice"] == pytest.approx(2 / 3)


def test_tokens_that_make_up_a_character_are_one_cell_with_the_product_of_their_probabilities():
    given = [foreseen(0.5), foreseen(0.1), foreseen(0.2), foreseen(0.9)]
    spans = [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)]
    view = tokens_view("a猫b", spans, ["a", "猫", "猫", "猫", "b"], given, masked=False, name="m", tongue="en")
    assert '<span data-cell="0 1 2" tabindex="0" style="--s:0.375" title="猫 1 %">猫</span>' in view.body
    assert 0.75 * -math.log10(0.5 * 0.1 * 0.2) / 4 == pytest.approx(0.375)
    assert any("make up a character together" in note for note in view.notes)


def test_the_cells_are_the_whole_text_in_order():
    text = "  Hi 猫!\n"
    spans = [(0, 0), (2, 4), (5, 6), (5, 6), (5, 7), (7, 7)]  # one added before and after, a blank that no token holds
    cells = cells_of(text, spans, ["[CLS]", "Hi", "猫", "猫", "猫!", "[SEP]"])
    assert [cell.text for cell in cells] == ["[CLS]", "  ", "Hi", " ", "猫!", "[SEP]", "\n"]
    assert [cell.tokens for cell in cells] == [(0,), (), (1,), (), (2, 3, 4), (5,), ()]


def test_a_certainty_is_not_shaded_and_the_unexpected_is_most():
    assert strength(1.0) == 0.0
    assert strength(0.01) == pytest.approx(0.75 / 2)
    assert strength(1e-4) == strength(0.0) == 0.75


def test_a_probability_of_zero_has_a_finite_perplexity():
    view = tokens_view("ab", [(0, 1), (1, 2)], ["a", "b"], [foreseen(0.0)], masked=False, name="m", tongue="en")
    assert math.isfinite(view.data["perplexity"])


def test_a_text_of_which_nothing_was_foreseen_is_refused():
    with pytest.raises(RequestError, match="at least two tokens; this text has 1"):
        tokens_view("a", [(0, 1)], ["a"], [], masked=False, name="m", tongue="en")


def test_a_masked_models_numbers_are_named_for_what_they_are(encoder_model: unmask.Model):
    view = view_of(encoder_model, "the cat sat on a mat.", start=0)
    assert "pseudo-perplexity" in view.body
    assert any("pseudo-likelihood" in note for note in view.notes)
    check_stands_alone(view)


def test_what_was_not_asked_about_is_announced(tiny_model: unmask.Model):
    assert any("Nothing comes before the first token" in note for note in view_of(tiny_model, "The fox").notes)
    assert any("the first 3 tokens" in note for note in view_of(tiny_model, "The quick fox jumps", start=3).notes)


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_the_page_of_a_long_text_stands_alone(tiny_model: unmask.Model, tongue: str):
    view = view_of(tiny_model, "猫说 <i>&amp; the\tfox</i> ]]> 💡.\n" * 25, tongue=tongue)
    assert len(view.data["readings"]) > 512
    check_stands_alone(view)
    assert chinese("".join(view.notes)) == (tongue == "zh")
