from __future__ import annotations

from xml.etree import ElementTree

import pytest
import torch
from torch import Tensor

from unmask.base.errors import RequestError
from unmask.generation.aligned import Aligned, Side
from unmask.views.alignment import alignment_view
from unmask.views.view import View

SPACE = "{http://www.w3.org/2000/svg}"


def side(tokens: list[str]) -> Side:
    """A text of these tokens, and the one that ends it."""
    ends = [sum(map(len, tokens[: at + 1])) for at in range(len(tokens))]
    spans = [(end - len(token), end) for token, end in zip(tokens, ends, strict=True)]
    text = "".join(tokens)
    return Side(text, tuple(range(len(tokens) + 1)), (*spans, (len(text), len(text))), (*tokens, "</s>"))


def weights(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)).softmax(-1)


@pytest.fixture
def found() -> Aligned:
    """Two layers of two heads; "ein Haus" of three tokens and its end, "a house" of two and its end."""
    return Aligned(side(["ein", " Ha", "us"]), side(["a", " house"]), weights(2, 2, 3, 4))


def seen(found: Aligned, layer: int | None = None, head: int | None = None, *, merge: bool = True) -> View:
    return alignment_view(found, name="model", tongue="en", layer=layer, head=head, merge=merge)


def test_words_are_looked_at_with_all_their_tokens(found: Aligned):
    view = seen(found, layer=1, head=0)
    assert view.data["source_words"] == ["ein", "Haus", "</s>"]
    assert view.data["target_words"] == ["a", "house", "</s>"]
    plain = found.weights[1, 0]
    want = torch.stack([plain[:, 0], plain[:, 1] + plain[:, 2], plain[:, 3]], dim=1)
    torch.testing.assert_close(torch.tensor(view.data["weights"]), want, atol=1e-4, rtol=0)


def test_a_token_that_is_a_blank_belongs_to_the_word_after_it():
    apart = Aligned(side(["ein", " ", "Haus"]), side(["a", " ", "house"]), weights(1, 1, 4, 4))
    view = seen(apart)
    assert view.data["source_words"] == ["ein", "Haus", "</s>"]
    assert view.data["target_words"] == ["a", "house", "</s>"]


@pytest.mark.parametrize(("depth", "layer"), [(1, 0), (2, 1), (3, 2), (4, 2), (6, 4)])
def test_by_itself_the_layer_that_follows_words_best_is_shown_by_the_mean_of_its_heads(depth: int, layer: int):
    found = Aligned(side(["ein"]), side(["a"]), weights(depth, 2, 2, 2))
    view = seen(found, merge=False)
    assert (view.data["layer"], view.data["head"]) == (layer, None)
    torch.testing.assert_close(torch.tensor(view.data["weights"]), found.weights[layer].mean(0), atol=1e-4, rtol=0)


def test_each_word_is_linked_to_the_one_it_looked_at_most():
    links = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.0, 1.0]])[None, None]
    view = seen(Aligned(side(["x"]), side(["y", " z"]), links))
    assert view.data["links"] == [[1, 0], [0, 1], [1, 2]]


def test_each_cell_tells_its_weight(found: Aligned):
    picture = ElementTree.fromstring(seen(found, layer=0, head=1, merge=False).svg)
    titles = [title.text for title in picture.iter(SPACE + "title")]
    plain = found.weights[0, 1]
    assert f"a → Ha: {plain[0, 1]:.3f}" in titles
    assert f"house → us: {plain[1, 2]:.3f}" in titles


def test_a_single_map_has_no_sheet_of_small_ones(found: Aligned):
    alone = Aligned(found.source, found.target, found.weights[:1, :1])
    assert "thumbnail" in seen(found).svg
    assert "thumbnail" not in seen(alone).svg


@pytest.mark.parametrize(("layer", "head", "kind"), [(2, None, "layer 2"), (0, 5, "head 5"), (-1, None, "layer -1")])
def test_a_layer_or_head_that_is_not_there_is_refused(found: Aligned, layer: int, head: int | None, kind: str):
    with pytest.raises(RequestError, match=rf"no {kind}: the model has 2, counted from 0 to 1"):
        seen(found, layer, head)
