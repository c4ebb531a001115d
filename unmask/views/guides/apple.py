"""An apple that is sweet, or worth a trillion."""

from __future__ import annotations

from unmask.base.language import translate
from unmask.core.transformer import Transformer
from unmask.generation.reader import Reader
from unmask.views.guides.meanings import Story, told
from unmask.views.view import View

FRUIT, COMPANY = 0, 1


def uses(tongue: str) -> list[tuple[str, int]]:
    """Sentences, and which of the two it is in each. The word comes last: some models have read only what is before."""
    return [
        (translate("after dinner she peeled a sweet red apple", tongue), FRUIT),
        (translate("the pie wants flour, butter and one more apple", tongue), FRUIT),
        (translate("from the tree in the garden fell a ripe apple", tongue), FRUIT),
        (translate("the new phone and its chips were designed by apple", tongue), COMPANY),
        (translate("worth a trillion dollars on the stock market is apple", tongue), COMPANY),
        (translate("the engineers left their software company and joined apple", tongue), COMPANY),
    ]


def title(tongue: str) -> str:
    return translate("An apple that is sweet, or worth a trillion", tongue)


def make(core: Transformer, reader: Reader, *, tongue: str) -> View:
    """The page; any model can show it."""
    story = Story(
        title=title(tongue),
        opening=translate(
            "One apple is peeled, the other is listed on the stock market. In these sentences both are written small, "
            "so that no capital letter gives the answer away: only the words before it can.",
            tongue,
        ),
        word=translate("apple", tongue),
        uses=uses(tongue),
        closing=translate(
            "A cosine says how alike two vectors are, not what they mean. That they part shows that the difference is "
            "there to be used, not that the model uses it well.",
            tongue,
        ),
    )
    return told(story, core, reader, tongue=tongue)
