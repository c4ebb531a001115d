"""LangChain on the API: a chat, whole and streamed, a bound tool, a formed answer, vectors."""

from __future__ import annotations

import sys
from typing import Literal

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

QUESTION = "What is the capital of France?"


class City(BaseModel):
    """A city."""

    name: str
    population: int


@tool
def weather(city: Literal["Paris", "Rome"], days: Literal[1, 2, 3]) -> str:
    """The weather of a city in so many days."""
    return f"{city} {days}"


def main() -> None:
    root, model, encoder = sys.argv[1:]
    chat = ChatOpenAI(base_url=root, api_key="none", model=model, temperature=0, max_tokens=200, max_retries=0)

    whole = chat.invoke(QUESTION)
    assert "Paris" in whole.content, whole
    assert whole.usage_metadata["output_tokens"] > 0
    chunks = list(chat.stream(QUESTION, stream_usage=True))
    assert "".join(chunk.content for chunk in chunks) == whole.content
    assert chunks[-1].usage_metadata or chunks[-2].usage_metadata

    called = chat.bind_tools([weather], tool_choice="required", parallel_tool_calls=False).invoke(QUESTION)
    (call,) = called.tool_calls
    assert weather.invoke(call).content.split()[0] in ("Paris", "Rome")
    assert isinstance(chat.with_structured_output(City, method="json_schema").invoke(QUESTION), City)

    # Otherwise it sends ids of OpenAI's own vocabulary.
    embeddings = OpenAIEmbeddings(base_url=root, api_key="none", model=encoder, check_embedding_ctx_length=False)
    assert [len(vector) for vector in embeddings.embed_documents(["a cat", "a dog"])] == [384, 384]


if __name__ == "__main__":
    main()
