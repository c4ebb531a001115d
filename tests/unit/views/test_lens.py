from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from torch import Tensor

import unmask
from tests.unit.views.pages import check_stands_alone, chinese
from unmask.base.errors import RequestError
from unmask.core import lens as core_lens
from unmask.core.lens import Lens, read_lens
from unmask.core.trace import Watch
from unmask.views.lens import lens_view

STREAM = Watch(weights=False, hidden=True)
TEXT = "The quick brown fox jumps over the lazy dog."


def lens_of(model: unmask.Model, text: str) -> Lens:
    seen = model.trace(text, STREAM)
    return read_lens(model.core, seen.trace.hidden, range(len(seen.ids)), size=model.tokenizer.size)


def same(lens: Lens, logits: list[Tensor]) -> None:
    """Compare with the logits [T, V] of every depth, place by place."""
    for depth, each in enumerate(logits):
        probabilities = each.softmax(dim=-1)
        for place, row in enumerate(probabilities):
            order = sorted(range(len(row)), key=lambda token: -float(row[token]))
            torch.testing.assert_close(lens.probabilities[depth, place], row[order[:5]], rtol=1e-4, atol=1e-6)
            chosen = int(logits[-1][place].argmax())
            assert float(lens.final[depth, place]) == pytest.approx(float(row[chosen]), rel=1e-3, abs=1e-7)
            assert int(lens.rank[depth, place]) == sum(float(other) > float(row[chosen]) for other in row)


def test_each_layer_of_a_model_that_writes_is_read_as_transformers_norm_and_head_read_it(
    tiny_folder: Path, tiny_model: unmask.Model
):
    oracle = transformers.LlamaForCausalLM.from_pretrained(tiny_folder).eval()
    ids = torch.tensor([tiny_model.trace(TEXT, STREAM).ids])
    with torch.inference_mode():
        out = oracle(ids, output_hidden_states=True)
        # Its last hidden state is normed already.
        inner = [oracle.lm_head(oracle.model.norm(hidden))[0] for hidden in out.hidden_states[:-1]]
    same(lens_of(tiny_model, TEXT), [*inner, out.logits[0]])


def test_each_layer_of_a_model_that_fills_blanks_is_read_as_transformers_head_reads_it(
    encoder_folder: Path, encoder_model: unmask.Model
):
    oracle = transformers.BertForMaskedLM.from_pretrained(encoder_folder).eval()
    ids = torch.tensor([encoder_model.trace("the cat sat on a mat", STREAM).ids])
    with torch.inference_mode():
        hidden = oracle(ids, output_hidden_states=True).hidden_states
        same(lens_of(encoder_model, "the cat sat on a mat"), [oracle.cls(each)[0] for each in hidden])


def test_the_last_row_is_the_models_own_logits(tiny_model: unmask.Model):
    seen = tiny_model.trace(TEXT, STREAM)
    with torch.inference_mode():  # as what looks inside does: with gradients other kernels are taken
        own = tiny_model.logits(torch.tensor([seen.ids]))[0].log_softmax(dim=-1).topk(5)
    last = lens_of(tiny_model, TEXT)
    assert torch.equal(last.best[-1], own.indices)
    assert torch.equal(last.probabilities[-1], own.values.exp())


def test_no_more_rows_of_logits_are_made_at_a_time_than_allowed_and_the_numbers_stay(
    tiny_model: unmask.Model, monkeypatch: pytest.MonkeyPatch
):
    whole, rows = lens_of(tiny_model, TEXT), []
    monkeypatch.setattr(core_lens, "ROWS", 3)
    hook = tiny_model.core.head.register_forward_hook(lambda _head, _given, out: rows.append(len(out)))
    try:
        parts = lens_of(tiny_model, TEXT)
    finally:
        hook.remove()
    assert max(rows) == 3
    torch.testing.assert_close(parts.final, whole.final)
    assert torch.equal(parts.best, whole.best)


def test_a_model_without_a_head_is_refused(tiny_model: unmask.Model):
    headless = replace(tiny_model.spec, head=None).build()
    with pytest.raises(RequestError, match="predicts no tokens, so its layers cannot be read"):
        read_lens(headless, [torch.zeros(1, 2, 32)], [0], size=10)


def test_the_view_tells_how_many_places_it_leaves_out(tiny_model: unmask.Model):
    seen = tiny_model.trace(TEXT, STREAM)
    view = lens_view(tiny_model.core, tiny_model.reader, seen, name="tiny", tongue="en", last=4)
    length = len(seen.ids)
    assert view.data["places"] == list(range(length - 4, length))
    assert len(view.data["readings"]) == 4 * 3  # before the first of two layers and after each
    assert f"Shown are the last 4 of {length} tokens; {length - 4} are left out." in view.notes


def test_a_reading_names_the_tokens_as_they_read(tiny_model: unmask.Model):
    seen = tiny_model.trace(TEXT, STREAM)
    view = lens_view(tiny_model.core, tiny_model.reader, seen, name="tiny", tongue="en")
    last = view.data["readings"][-1]
    assert last["token"] == "."
    # Byte-level tokens spell "Ġ" for a blank; a token that is a character's first half has no better name than U+FFFD.
    for each in last["best"]:
        plain = tiny_model.tokenizer.token(each["id"]).replace("Ġ", " ")
        assert each["token"] in (plain, "\ufffd", tiny_model.tokenizer.decode([each["id"]]))


@pytest.mark.parametrize("last", [0, 65])
def test_more_places_than_a_page_takes_are_refused(tiny_model: unmask.Model, last: int):
    seen = tiny_model.trace(TEXT, STREAM)
    with pytest.raises(RequestError, match=f"last is {last}; it must be from 1 to 64"):
        lens_view(tiny_model.core, tiny_model.reader, seen, name="tiny", tongue="en", last=last)


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_the_page_of_a_long_text_stands_alone(tiny_model: unmask.Model, tongue: str):
    seen = tiny_model.trace("猫 <b>&amp;</b> sat. " * 60, STREAM)
    assert len(seen.ids) > 512
    view = lens_view(tiny_model.core, tiny_model.reader, seen, name="tiny", tongue=tongue, last=64)
    check_stands_alone(view)
    assert chinese(view.title + "".join(view.notes)) == (tongue == "zh")


def test_the_page_says_that_a_masked_model_reads_what_stands_there(encoder_model: unmask.Model):
    seen = encoder_model.trace("the cat sat", STREAM)
    view = lens_view(encoder_model.core, encoder_model.reader, seen, name="tiny", tongue="en")
    check_stands_alone(view)
    assert any("fills blanks and none is hidden here" in note for note in view.notes)
