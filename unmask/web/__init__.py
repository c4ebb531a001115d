"""The web page: Gradio, mounted on the server; needs no network."""
