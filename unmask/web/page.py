"""The web page on the server at `/`: a chat, vectors compared, translations. It asks nothing of any other machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unmask.base.errors import MissingExtra, RequestError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from unmask.model import Model
    from unmask.server.host import Host


def mount(app: FastAPI, host: Host) -> None:
    """Put the page on `app`; it stands in the API's line for the model.

    Raises:
        MissingExtra: if Gradio is not installed.
    """
    try:
        import gradio
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "The web page needs {package}. Run: pip install 'unmask[serve]', or serve the API alone with --no-page.",
            package=error.name,
        ) from error

    from unmask.web.chat import chat_page
    from unmask.web.desk import at_home
    from unmask.web.downloads import add_routes
    from unmask.web.embed import embed_page
    from unmask.web.frame import css, theme
    from unmask.web.translate import translate_page

    desk = at_home(host)
    add_routes(app, desk.store)
    if host.translator:
        page = translate_page(host, host.translator)
    else:
        page = embed_page(host) if only_embeds(host.model) else chat_page(desk)
    gradio.mount_gradio_app(
        app,
        page,
        path="/",
        theme=theme(),
        css=css(),
        footer_links=[],
        run_history=False,
        show_error=False,  # what we did not foresee goes to the log, not to the visitor
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size="1kb",  # nothing here takes a file
    )


def only_embeds(model: Model) -> bool:
    """Does it make vectors, and cannot hold a conversation?"""
    try:
        return model.dimensions > 0 and model.reader.template is None
    except RequestError:
        return False
