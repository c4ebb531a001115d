"""The web page on the server: chat at `/`. It asks nothing of any other machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unmask.base.errors import MissingExtra

if TYPE_CHECKING:
    from fastapi import FastAPI

    from unmask.server.turns import Turns


def mount(app: FastAPI, turns: Turns) -> None:
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

    from unmask.web.chat import CSS, chat_page, theme

    gradio.mount_gradio_app(
        app,
        chat_page(turns),
        path="/",
        theme=theme(),
        css=CSS,
        footer_links=[],
        run_history=False,
        show_error=False,  # what we did not foresee goes to the log, not to the visitor
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size="1kb",  # nothing here takes a file
    )
