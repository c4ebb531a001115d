"""A conversation as OpenAI's clients send it, and the functions that its model may call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from unmask.server.refusals import FieldError, UnsupportedError
from unmask.server.schemas import Fields
from unmask.text.tool_calls import calling_of

if TYPE_CHECKING:
    from unmask.model import Model


class Part(Fields):
    type: str = Field(description="Only 'text' can be read.")
    text: str | None = None


def as_parts(value: object) -> object:
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


# Parts from here on, so that a complaint names a place among them and not a branch of a union.
Content = Annotated[list[Part], BeforeValidator(as_parts, json_schema_input_type=str | list[Part])]


class Called(Fields):
    name: str
    arguments: str = Field(description="A JSON object, as text.")


class Call(Fields):
    """A call that the model made earlier."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: Called


class ChatMessage(Fields):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content | None = Field(None, description="A text, or parts of type 'text'; null where there are calls.")
    name: str | None = None
    tool_calls: list[Call] | None = Field(None, description="Calls that this message, of the assistant, made.")
    tool_call_id: str | None = Field(None, description="The call whose result this message, of a tool, is.")

    def for_template(self, where: str) -> dict[str, Any]:
        """As chat templates read it: content is text, and "developer" and "function" are called as they were later.

        Raises:
            UnsupportedError: for a part that is not text.
        """
        fields = self.model_dump(exclude_none=True)
        fields["role"] = {"developer": "system", "function": "tool"}.get(self.role, self.role)
        fields["content"] = self.text(f"{where}.content")
        return fields

    def text(self, where: str) -> str:
        texts = []
        for number, part in enumerate(self.content or ()):
            if part.type != "text" or part.text is None:
                raise UnsupportedError(
                    "{param} is of type {type!r}, but this model reads only text. Send parts of type 'text'.",
                    param=f"{where}[{number}]",
                    type=part.type,
                )
            texts.append(part.text)
        return "\n".join(texts)


FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class Function(Fields):
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="A JSON schema of the arguments.")
    strict: bool | None = None


class Tool(Fields):
    type: Literal["function"]
    function: Function


class NamedFunction(Fields):
    name: str


class NamedTool(Fields):
    """The one that must be called."""

    type: Literal["function"]
    function: NamedFunction


ToolChoice = Literal["none", "auto", "required"] | NamedTool


class Rendering(Fields):
    """How a conversation is put into the words of a model's chat template."""

    add_generation_prompt: bool | None = Field(None, description="Begin a new message of the assistant; null: do.")
    continue_final_message: bool | None = Field(None, description="Go on with the last message, the assistant's.")
    chat_template_kwargs: dict[str, Any] | None = Field(None, description="Switches of the model's chat template.")

    def render(self, model: Model, messages: list[ChatMessage], tools: list[dict[str, Any]]) -> tuple[int, ...]:
        """
        Raises:
            FieldError: if the last message is to be gone on with and a new one begun.
            UnmaskError: if there is no template, or it refuses the messages or the settings.
        """
        if self.continue_final_message and self.add_generation_prompt:
            raise FieldError(
                "{param}: the last message is either gone on with or followed by a new one. Leave out {other}.",
                param="continue_final_message",
                other="add_generation_prompt",
            )
        told = [message.for_template(f"messages[{number}]") for number, message in enumerate(messages)]
        offered: Any = None
        if model.reader.template:
            told, offered = calling_of(model.reader.template, model.tokenizer).conversation(told, tools)
        return model.reader.render(
            told,
            resume=bool(self.continue_final_message),
            answer=self.add_generation_prompt is not False,
            tools=offered,
            settings=self.chat_template_kwargs,
        )
