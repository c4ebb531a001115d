"""LlamaIndex on the API: a chat, whole and streamed, a completion, a function to call."""

from __future__ import annotations

import sys

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

QUESTION = [ChatMessage(role="user", content="What is the capital of France?")]


def weather(city: str, days: int) -> str:
    """The weather of a city in so many days."""
    return f"{city} {days}"


def main() -> None:
    root, model, _ = sys.argv[1:]
    told = {"is_chat_model": True, "is_function_calling_model": True, "context_window": 8192, "max_retries": 0}
    llm = OpenAILike(model=model, api_base=root, api_key="none", temperature=0, max_tokens=200, **told)

    whole = llm.chat(QUESTION).message.content
    assert "Paris" in whole, whole
    assert "".join(chunk.delta or "" for chunk in llm.stream_chat(QUESTION)) == whole

    tool = FunctionTool.from_defaults(weather)
    called = llm.chat_with_tools([tool], chat_history=QUESTION, tool_required=True, allow_parallel_tool_calls=False)
    (call,) = llm.get_tool_calls_from_response(called)
    assert call.tool_name == "weather"
    assert set(call.tool_kwargs) == {"city", "days"}

    plain = OpenAILike(model=model, api_base=root, api_key="none", temperature=0, max_tokens=8, max_retries=0)
    assert "Paris" in plain.complete("France: Paris. Italy: Rome. The capital of France is").text


if __name__ == "__main__":
    main()
