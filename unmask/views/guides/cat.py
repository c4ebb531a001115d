"""Two kinds of mouse, in English; in Chinese two kinds of cat, one of which brings the internet."""

from __future__ import annotations

from unmask.base.language import translate
from unmask.core.transformer import Transformer
from unmask.generation.reader import Reader
from unmask.views.guides.meanings import Story, told
from unmask.views.view import View

ANIMAL, DEVICE = 0, 1


def uses(tongue: str) -> list[tuple[str, int]]:
    """Sentences, and which of the two it is in each. The word comes last: some models have read only what is before."""
    return [
        (translate("The cat chased a small grey mouse", tongue), ANIMAL),
        (translate("In the wheat field an owl caught a mouse", tongue), ANIMAL),
        (translate("Under the floor lives a family with one very old mouse", tongue), ANIMAL),
        (translate("I plugged in the keyboard and clicked with the mouse", tongue), DEVICE),
        (translate("My computer needs a new wireless mouse", tongue), DEVICE),
        (translate("To open the file, move the pointer with your mouse", tongue), DEVICE),
    ]


def title(tongue: str) -> str:
    return translate("Two kinds of mouse", tongue)


def make(core: Transformer, reader: Reader, *, tongue: str) -> View:
    """The page; any model can show it."""
    story = Story(
        title=title(tongue),
        opening=translate(
            "A mouse may live in a field or on a desk. To a dictionary of vectors that is one word and one vector: "
            "word2vec could not say which. Here too every use begins with what one table holds for the word, but then "
            "each layer mixes in what stands around it. Move the layer and watch whether the two kinds part.",
            tongue,
        ),
        word=translate("mouse", tongue),
        uses=uses(tongue),
        closing=translate(
            "Nobody told the model that there are two kinds. What parts them, as far as they part, is attention: the "
            "same word has read different neighbours.",
            tongue,
        ),
    )
    return told(story, core, reader, tongue=tongue)
