"""What went on inside the model when it wrote an answer, as pages within the page."""

from __future__ import annotations

import html
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing

import gradio

from unmask.base.language import translate
from unmask.generation.foresight import foresee
from unmask.generation.look import named
from unmask.model import Model
from unmask.server.host import Host, Waiting
from unmask.text.stream import spelled_out
from unmask.text.tokenizer import Encoding
from unmask.views.menu import attended
from unmask.views.tokens import tokens_view
from unmask.views.view import View
from unmask.web.conversation import Conversation, Message

Begin = Callable[[], Generator[View, None, None]]


def of_answer(model: Model, conversation: Conversation, message: Message, tongue: str) -> Begin:
    """Work for the model: the view of the answer's probabilities, then that of its attention.

    The ids are those that were served, as far as this model served them.
    """

    def begin() -> Generator[View, None, None]:
        prompt = model.reader.render(conversation.read(message.parent))
        ids = (*prompt, *written(model, message))
        model.reader.check_length(len(ids))
        return views(ids, len(prompt))

    def views(ids: tuple[int, ...], start: int) -> Generator[View, None, None]:
        text, encoding = spelled_out(model.tokenizer, ids)
        yield probabilities(model, text, encoding, start, tongue)
        yield attended(model.core, model.reader, text, encoding, tongue=tongue)

    return begin


def probabilities(model: Model, text: str, encoding: Encoding, start: int, tongue: str) -> View:
    """Of the answer alone, which begins with the token `start`; all that comes before it was read."""
    foreseen = foresee(model.core, model.tokenizer, encoding.ids, start=start)
    tokens = named(text, encoding, model.tokenizer)
    begin = encoding.spans[start][0]
    spans = [(first - begin, last - begin) for first, last in encoding.spans[start:]]
    return tokens_view(
        text[begin:], spans, tokens[start:], foreseen, masked=False, name=model.reader.title, tongue=tongue
    )


def written(model: Model, message: Message) -> tuple[int, ...]:
    """The ids of an answer; spelled anew where another model wrote it."""
    assert message.answer is not None
    if message.answer.model == model.name and message.answer.tokens:
        return message.answer.tokens
    return model.reader.spelled(message.content, special=False).ids


async def seen(host: Host, begin: Begin, tongue: str) -> AsyncGenerator[View | None, None]:
    """The views, each when it is there; None while waiting for the model, where a visitor who left is noticed.

    Raises:
        UnmaskError: as `Host.steps` does, or if the model cannot show this.
    """
    async with aclosing(host.steps(begin)) as steps:
        async for step in steps:
            if isinstance(step, Waiting):
                gradio.Info(translate("The model is busy; your turn comes by itself.", tongue))
                yield None
            else:
                yield step


def framed(view: View, name: str, tongue: str) -> str:
    """The view as HTML: fenced off from our page, and a link that saves it."""
    page, title = html.escape(view.html()), html.escape(view.title)
    save = translate("Save this page", tongue)
    return (
        f'<iframe title="{title}" sandbox="allow-scripts" srcdoc="{page}"></iframe>'
        f'<a class="save" href="#" role="button" download="{html.escape(name)}.html">{save}</a>'
    )


def working(tongue: str) -> str:
    return f'<p class="working">{translate("Looking …", tongue)}</p>'


SAVE = """element.addEventListener("click", (event) => {
    const link = event.target.closest("a.save");
    if (!link) return;
    const page = new Blob([element.querySelector("iframe").srcdoc], { type: "text/html" });
    link.href = URL.createObjectURL(page);
    setTimeout(() => { URL.revokeObjectURL(link.href); link.href = "#"; }, 1000);
});"""
"""JavaScript of an element that holds a framed view."""
