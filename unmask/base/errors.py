"""Every error a user can cause.

UnmaskError
├── SpecError             a model description that contradicts itself
├── MaskError             a mask that does not fit its tokens
├── CheckpointError       weights that are not what they claim to be
│   ├── FormatError       a file that breaks its own format (says where)
│   └── ArchitectureError a model family we do not have
├── TokenizerError        text and ids that do not fit the vocabulary
├── TemplateError         a chat template that is wrong, too slow or too big
├── ContextError          more tokens than the model can hold
├── RequestError          an argument out of its range
├── ModelNotFound         a name that leads to no model on this machine
├── DownloadError         a model that could not be fetched
├── UploadError           a model that could not be sent to the Hub
├── StorageError          a disk that is full or refuses to be written
├── ServerError           a server that cannot start
├── EngineError           a model that stopped working for everyone
├── DataError             text or shards that cannot be learnt from
├── TrainingError         a run that cannot start, go on or resume
└── MissingExtra          an optional dependency that is not installed
"""

from __future__ import annotations

from unmask.base.language import say

LONGEST_MESSAGE = 1_000
"""Characters. What a message quotes may come from a stranger's file, and be of any length."""


class UnmaskError(Exception):
    """What is wrong, where, and what to do: a template and its values, rendered in the user's language.

    The template is the English text with `{fields}`; `unmask.base.chinese` holds its translation. The text is one line
    that any terminal can show, whatever the values are.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(template, values)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        text = showable(say(self.template, **self.values))
        half = LONGEST_MESSAGE // 2
        return text if len(text) <= LONGEST_MESSAGE else f"{text[:half]} ... {text[-half:]}"


def showable(text: str) -> str:
    """The text on one line; what has no picture (an escape sequence, half a character) is written in ASCII."""
    line = " ".join(text.splitlines())
    return line if line.isprintable() else "".join(each if drawn(each) else ascii(each)[1:-1] for each in line)


def drawn(character: str) -> bool:
    return character.isprintable() or character == "\u3000"  # the Chinese blank


class SpecError(UnmaskError): ...


class MaskError(UnmaskError): ...


class CheckpointError(UnmaskError): ...


class FormatError(CheckpointError): ...


class ArchitectureError(CheckpointError): ...


class TokenizerError(UnmaskError): ...


class TemplateError(UnmaskError): ...


class ContextError(UnmaskError): ...


class RequestError(UnmaskError): ...


class ModelNotFound(UnmaskError): ...


class DownloadError(UnmaskError): ...


class UploadError(UnmaskError): ...


class StorageError(UnmaskError): ...


class ServerError(UnmaskError): ...


class EngineError(UnmaskError): ...


class DataError(UnmaskError): ...


class TrainingError(UnmaskError): ...


class MissingExtra(UnmaskError): ...
