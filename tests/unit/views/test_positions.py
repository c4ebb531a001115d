from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

import unmask
from tests.unit.core.test_parts import gpt2_tiny
from tests.unit.views.pages import check_stands_alone, chinese
from unmask.base.errors import RequestError
from unmask.core.positions import Rotary
from unmask.views.positions import encodings, positions_view, turned
from unmask.views.shuffle import shuffle, shuffled
from unmask.views.view import View

TEXT = "The quick brown fox jumps over the lazy dog"


def view_of(model: unmask.Model, text: str, tongue: str = "en") -> View:
    return positions_view(model.core, model.reader, text, model.reader.whole(text), name="tiny", tongue=tongue)


def test_every_movable_token_moves_and_no_other():
    for length in range(2, 9):
        order = shuffled(length + 2, range(1, length + 1))
        assert sorted(order) == list(range(length + 2))
        assert [at for at, from_where in enumerate(order) if at == from_where] == [0, length + 1]


def test_an_encoder_without_positions_gives_every_word_the_same_vector_in_any_order(encoder_model: unmask.Model):
    ids = encoder_model.reader.whole("the cat sat on a mat").ids
    tried = shuffle(encoder_model.core, ids, range(1, len(ids) - 1))
    assert float(tried.unplaced.distance.max()) < 1e-6
    assert float(tried.placed.distance[-1].max()) > 1e-4
    assert tried.unplaced.shift is None


def test_distances_are_those_of_two_plain_readings(encoder_model: unmask.Model):
    ids = encoder_model.reader.whole("the cat sat on a mat").ids
    tried = shuffle(encoder_model.core, ids, range(1, len(ids) - 1))
    row = torch.tensor([ids])
    with torch.inference_mode():
        plain, other = encoder_model.core(row)[0], encoder_model.core(row[:, list(tried.order)])[0]
    for place, token in enumerate(tried.order):
        dot = sum(float(a) * float(b) for a, b in zip(plain[token], other[place], strict=True))
        sizes = [math.sqrt(sum(float(value) ** 2 for value in each)) for each in (plain[token], other[place])]
        assert float(tried.placed.distance[-1, token]) == pytest.approx(1 - dot / math.prod(sizes), abs=1e-5)


def test_without_positions_order_leaks_into_a_model_that_writes_from_its_second_layer_on(tiny_model: unmask.Model):
    ids = tiny_model.reader.whole(TEXT).ids
    tried = shuffle(tiny_model.core, ids, range(1, len(ids) - 1))
    first, second = tried.unplaced.distance[:, -1].tolist()
    assert first < 1e-6
    assert second > 1e-5
    assert tried.placed.distance[0, -1] > 1e-5


def test_the_shift_is_the_total_variation_distance_of_what_comes_next(tiny_model: unmask.Model):
    ids = tiny_model.reader.whole(TEXT).ids
    tried = shuffle(tiny_model.core, ids, range(1, len(ids) - 1))
    rows = torch.tensor([ids, [ids[at] for at in tried.order]])
    with torch.inference_mode():
        first, second = tiny_model.logits(rows)[:, -1].softmax(dim=-1).tolist()
    moved = sum(max(a - b, 0.0) for a, b in zip(first, second, strict=True))
    assert tried.placed.shift == pytest.approx(moved, abs=1e-5)


def test_a_text_of_one_movable_token_is_refused(tiny_model: unmask.Model):
    with pytest.raises(RequestError, match="has 1 tokens that could change places; give it at least 4 words"):
        shuffle(tiny_model.core, [1, 2, 3], [1])


def test_rotary_positions_are_drawn_by_the_papers_angles():
    shown = turned(Rotary(width=8, theta=100.0), 12)
    for position in range(12):
        for pair in range(4):
            angle = position * 100.0 ** (-2 * pair / 8)
            assert float(shown.values[position, pair]) == pytest.approx(math.cos(angle), abs=1e-5)
    likeness = sum(math.cos((7 - 3) * 100.0 ** (-2 * pair / 8)) for pair in range(4)) / 4
    assert float(shown.likeness[7, 3]) == pytest.approx(likeness, abs=1e-5)


def test_a_table_is_drawn_without_the_rows_that_no_text_uses(encoder_model: unmask.Model):
    shown = encodings(encoder_model.core, 10)
    rows = encoder_model.core.embedding.positions.weight.detach()[:10]
    size = rows.norm(dim=-1)
    assert shown.kind == "learned"
    assert float(shown.likeness[2, 5]) == pytest.approx(float(rows[2] @ rows[5] / (size[2] * size[5])), abs=1e-5)
    assert bool((shown.values.sign() == rows.sign()).all())
    assert float(shown.values.abs().max()) == 1.0


def test_a_model_without_positions_is_said_to_have_none():
    spec = gpt2_tiny()
    blind = replace(spec, embedding=replace(spec.embedding, positions=None)).build()
    assert encodings(blind, 10).kind == "none"


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_the_page_of_a_long_text_stands_alone(tiny_model: unmask.Model, tongue: str):
    view = view_of(tiny_model, "猫 <b>&amp;</b> sat. " * 60, tongue)
    assert len(view.data["tokens"]) == 128
    assert any(" 128 " in note for note in view.notes)
    check_stands_alone(view)
    assert chinese(view.title + "".join(view.notes)) == (tongue == "zh")
    assert any("first 128 of 4096" in note for note in view.notes) == (tongue == "en")


def test_the_page_of_an_encoder_says_what_became_of_its_words(encoder_model: unmask.Model):
    view = view_of(encoder_model, "the cat sat on a mat")
    check_stands_alone(view)
    assert view.data["kind"] == "learned"
    assert "without positions at most" in view.body
