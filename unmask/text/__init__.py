"""Text to ids and back: tokenizers, their file formats, chat templates, streamed text. Imports no torch."""
