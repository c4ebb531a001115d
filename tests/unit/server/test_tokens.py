"""Text to ids and back over HTTP."""

from __future__ import annotations

import pytest

from tests.unit.server.live import QUESTION, Reply, Server, serving
from unmask.server.limits import Limits


def tokenize(server: Server, **fields: object) -> Reply:
    return server.send("POST", "/tokenize", fields)


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_a_text_goes_to_ids_and_back(server: Server, prefix: str):
    ids = server.model.tokenizer.encode("The fox 云").ids
    answer = server.send("POST", f"{prefix}/tokenize", {"model": server.model.name, "prompt": "The fox 云"}).json
    assert (answer["tokens"], answer["count"]) == (list(ids), len(ids))
    assert answer["max_model_len"] == server.model.context
    assert answer["token_strs"] is None
    assert server.send("POST", f"{prefix}/detokenize", {"tokens": list(ids)}).json == {"prompt": "The fox 云"}


def test_the_tokens_of_the_vocabulary_are_told_on_request(server: Server):
    assert tokenize(server, prompt=" fox", return_token_strs=True).json["token_strs"] == [
        server.model.tokenizer.token(each) for each in server.model.tokenizer.encode(" fox").ids
    ]


def test_what_a_model_expects_around_a_text_can_be_left_out(encoder_server: Server):
    whole = tokenize(encoder_server, prompt="a cat").json["tokens"]
    assert tokenize(encoder_server, prompt="a cat", add_special_tokens=False).json["tokens"] == whole[1:-1]


def test_a_conversation_goes_through_its_template(server: Server):
    reader = server.model.reader
    assert tokenize(server, messages=QUESTION).json["tokens"] == list(reader.render(QUESTION))
    shorter = tokenize(server, messages=QUESTION, add_generation_prompt=False).json["tokens"]
    assert shorter == list(reader.render(QUESTION, answer=False))


@pytest.mark.parametrize("fields", [{}, {"prompt": "a", "messages": QUESTION}])
def test_it_is_either_a_text_or_a_conversation(server: Server, fields: dict[str, object]):
    reply = tokenize(server, **fields)
    assert (reply.status, reply.error["param"]) == (400, "prompt")
    assert "either this or messages" in reply.error["message"]


def test_a_conversation_without_a_template_is_refused(encoder_server: Server):
    assert tokenize(encoder_server, messages=QUESTION).status == 400


@pytest.mark.parametrize("strange", [-1, 5000, 10**30])
def test_an_id_of_no_token_is_refused_with_the_range(server: Server, strange: int):
    reply = server.send("POST", "/detokenize", {"tokens": [5, strange]})
    assert (reply.status, reply.error["param"]) == (400, "tokens")
    assert f"id {strange} is outside" in reply.error["message"]
    assert f"to {server.model.tokenizer.size - 1}" in reply.error["message"]


def test_more_messages_than_the_server_takes_are_refused(tiny_model):
    with serving(tiny_model, limits=Limits(messages=1)) as server:
        replies = tokenize(server, messages=QUESTION * 2), server.chat(messages=QUESTION * 2)
    for reply in replies:
        assert (reply.status, reply.error["param"]) == (400, "messages")
        assert "2 is more than the 1" in reply.error["message"]
