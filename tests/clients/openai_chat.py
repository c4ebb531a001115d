"""OpenAI's client: chat, whole and streamed, a tool, a formed answer, likelihoods, vectors; versions 2 and 3."""

from __future__ import annotations

import json
import sys

import openai
from pydantic import BaseModel

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Paris", "Rome"]}, "days": {"enum": [1, 2, 3]}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}


class City(BaseModel):
    name: str
    population: int


def check(client: openai.OpenAI, model: str) -> None:
    """A chat model, asked in all ways."""
    ask = client.chat.completions.create
    wish = {"model": model, "messages": QUESTION, "temperature": 0, "max_tokens": 200}
    assert model in [each.id for each in client.models.list()]

    whole = ask(**wish)
    assert "Paris" in whole.choices[0].message.content, whole
    chunks = list(ask(**wish, stream=True, stream_options={"include_usage": True}))
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert said == whole.choices[0].message.content
    assert (chunks[-1].choices, chunks[-1].usage.total_tokens) == ([], whole.usage.total_tokens)

    called = ask(**wish, tools=[TOOL], tool_choice="required", parallel_tool_calls=False)
    assert called.choices[0].finish_reason == "tool_calls"
    (call,) = called.choices[0].message.tool_calls
    wanted = json.loads(call.function.arguments)
    assert (call.function.name, wanted["city"] in ("Paris", "Rome"), wanted["days"] in (1, 2, 3)) == (
        "weather",
        True,
        True,
    )

    formed = client.chat.completions.parse(**wish, response_format=City)
    assert isinstance(formed.choices[0].message.parsed, City), formed

    told = ask(**wish, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    assert "".join(each.token for each in told).startswith(whole.choices[0].message.content)
    assert all(each.logprob == each.top_logprobs[0].logprob >= each.top_logprobs[1].logprob for each in told)


def check_vectors(client: openai.OpenAI, encoder: str) -> None:
    vectors = client.embeddings.create(model=encoder, input=["a cat", "a dog"]).data
    assert [len(each.embedding) for each in vectors] == [384, 384]


def main() -> None:
    root, model, encoder = sys.argv[1:]
    with openai.OpenAI(base_url=root, api_key="none", max_retries=0) as client:
        check(client, model)
        check_vectors(client, encoder)


if __name__ == "__main__":
    main()
