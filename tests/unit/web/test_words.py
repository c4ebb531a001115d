"""The page's labels."""

from __future__ import annotations

from unmask.web.words import words


def test_every_label_has_both_languages():
    english, chinese = vars(words("en")), vars(words("zh"))
    for name in english.keys() - {"top_p"}:
        assert english[name] != chinese[name], name
