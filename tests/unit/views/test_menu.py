from __future__ import annotations

import pytest

import unmask
from unmask.base.errors import RequestError
from unmask.views import menu
from unmask.views.menu import Wish, make

TEXT = "The quick brown fox"


def test_a_view_that_is_not_there_names_those_that_are(tiny_model: unmask.Model):
    with pytest.raises(RequestError, match=r"There is no view 'atention'; there are attention, .*mean attention\?"):
        make(Wish("atention", (TEXT,)), tiny_model.core, tiny_model.reader, tongue="en")


def test_of_a_long_text_the_layers_that_were_not_watched_are_counted(
    tiny_model: unmask.Model, monkeypatch: pytest.MonkeyPatch
):
    whole = make(Wish("attention", (TEXT,)), tiny_model.core, tiny_model.reader, tongue="en")
    assert whole.data["layers"] == (0, 1)
    assert not any("layers were watched" in note for note in whole.notes)
    monkeypatch.setattr(menu, "MOST", 1)
    some = make(Wish("attention", (TEXT,)), tiny_model.core, tiny_model.reader, tongue="en")
    assert some.data["layers"] == (1,)
    assert some.notes[-1] == "The text is long: 1 of 2 layers were watched."
    asked = make(Wish("attention", (TEXT,), layer=0), tiny_model.core, tiny_model.reader, tongue="en")
    assert asked.data["layers"] == (0,)
