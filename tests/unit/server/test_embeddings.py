"""The embeddings route as OpenAI's own client sees it, and the bytes on the wire."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from contextlib import aclosing
from functools import partial

import numpy
import openai
import pytest

import unmask
from tests.tiny_encoder import LONGEST, VOCABULARY, WIDTH
from tests.unit.server.live import Server, serving, until
from unmask.server.embeddings import made as begun
from unmask.server.host import Host
from unmask.server.limits import Limits

TEXTS = ["the capital of france is paris .", "a cat", "猫 云", "a cat sat on the mat , a cat sat on the mat ."]
IDS = [[VOCABULARY.index(token) for token in ("[CLS]", "a", word, "[SEP]")] for word in ("cat", "mat")]
CLOSE = 1e-5
"""Texts computed in other company: sums in float32 come in another order."""


def made(model: unmask.Model, texts: list[str]) -> numpy.ndarray:
    """One at a time, so that nothing of the batch can matter."""
    return numpy.stack([model.embed(text).numpy() for text in texts])


def vectors(server: Server, **fields: object) -> numpy.ndarray:
    return numpy.array([each["embedding"] for each in server.embed(**fields).json["data"]], numpy.float32)


@pytest.mark.parametrize("form", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
def test_the_vectors_are_the_models_own_in_the_order_of_the_texts(encoder_server: Server, form: dict[str, str]):
    with encoder_server.embeddings() as create:
        answer = create(input=TEXTS, **form)
    assert (answer.object, answer.model) == ("list", encoder_server.model.name)
    assert [each.index for each in answer.data] == [0, 1, 2, 3]
    got = [each.embedding for each in answer.data]
    if form.get("encoding_format") == "base64":  # asked for by name, the client leaves it as it is
        got = [numpy.frombuffer(base64.b64decode(each), "<f4") for each in got]
    numpy.testing.assert_allclose(got, made(encoder_server.model, TEXTS), atol=CLOSE)


def test_base64_holds_little_endian_float32_of_the_very_numbers_in_float(encoder_server: Server):
    (packed,) = encoder_server.embed(encoding_format="base64").json["data"]
    (plain,) = encoder_server.embed(encoding_format="float").json["data"]
    assert list(struct.unpack(f"<{WIDTH}f", base64.b64decode(packed["embedding"]))) == plain["embedding"]


def test_the_answer_has_openais_fields_and_numbers_unless_asked_otherwise(encoder_server: Server):
    reply = encoder_server.embed(input="a cat", encoding_format=None, dimensions=None, user="me")
    assert reply.headers["Content-Type"] == "application/json"
    assert set(reply.json) == {"object", "data", "model", "usage"}
    (data,) = reply.json["data"]
    assert set(data) == {"object", "index", "embedding"}
    assert (data["object"], len(data["embedding"])) == ("embedding", WIDTH)


def test_usage_counts_the_tokens_that_were_read(encoder_server: Server):
    # [CLS] a cat [SEP], and [CLS] 猫 云 a [SEP].
    assert encoder_server.embed(input=["a cat", "猫云 a"]).json["usage"] == {"prompt_tokens": 9, "total_tokens": 9}


def test_texts_and_ids_alone_and_in_lists_are_the_same_question(encoder_server: Server):
    texts = vectors(encoder_server, input=["a cat", "a mat"])
    numpy.testing.assert_allclose(vectors(encoder_server, input=IDS), texts, atol=CLOSE)
    for one in ("a cat", ["a cat"], IDS[0], IDS[:1]):
        numpy.testing.assert_allclose(vectors(encoder_server, input=one), texts[:1], atol=CLOSE)


def test_a_batch_in_many_steps_comes_back_in_its_order(encoder_server: Server):
    texts = [" ".join(["cat", "mat", "paris"][number % 3] for _ in range(1 + number * 7 % 40)) for number in range(300)]
    numpy.testing.assert_allclose(vectors(encoder_server, input=texts), made(encoder_server.model, texts), atol=CLOSE)


def test_the_route_is_there_without_v1_as_well(encoder_server: Server):
    request = {"model": encoder_server.model.name, "input": "a cat"}
    assert encoder_server.send("POST", "/embeddings", request).json == encoder_server.embed().json


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        (None, "input", "give a text"),
        (5, "input", "give a text"),
        ({"text": "a"}, "input", "give a text"),
        ([], "input", "give a text"),
        ("", "input[0]", "empty"),
        (["a", ""], "input[1]", "empty"),
        ([[5], []], "input[1]", "empty"),
        (["a", 5], "input[1]", "all must be texts"),
        (["a", [5]], "input[1]", "all must be texts"),
        ([5, "a"], "input[0]", "all must be texts"),
        ([[5], [1.5]], "input[1]", "all must be texts"),
        ([True, False], "input[0]", "all must be texts"),
        (["a"] * 2049, "input", "2049 texts; at most 2048"),
    ],
)
def test_an_input_of_no_known_form_is_refused_with_its_place(
    encoder_server: Server, given: object, param: str, said: str
):
    reply = encoder_server.embed(input=given)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, "invalid_value")
    assert reply.error["message"].startswith(f"{param}: ")
    assert said in reply.error["message"]


def test_no_input_at_all_and_half_characters_are_refused(encoder_server: Server):
    missing = encoder_server.send("POST", "/v1/embeddings", {"model": encoder_server.model.name})
    assert (missing.status, missing.error["param"]) == (400, "input")
    half = encoder_server.send("POST", "/v1/embeddings", rb'{"model": "x", "input": "\ud800"}')
    assert half.status == 400
    assert "half a character" in half.error["message"]


@pytest.mark.parametrize(
    ("fields", "param"), [({"encoding_format": "int8"}, "encoding_format"), ({"dimensions": "16"}, "dimensions")]
)
def test_a_value_out_of_range_is_refused_by_name(encoder_server: Server, fields: dict[str, object], param: str):
    reply = encoder_server.embed(**fields)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, "invalid_value")


def test_only_the_models_own_width_is_taken(encoder_server: Server):
    with encoder_server.embeddings() as create:
        assert len(create(input="a cat", dimensions=WIDTH).data[0].embedding) == WIDTH
        with pytest.raises(openai.BadRequestError) as caught:
            create(input="a cat", dimensions=8)
    assert caught.value.param == "dimensions"
    assert f"have {WIDTH} numbers, not 8" in caught.value.message


@pytest.mark.parametrize("strange", [len(VOCABULARY), -1, 10**30])
def test_ids_of_another_vocabulary_name_the_setting_of_langchain(encoder_server: Server, strange: int):
    reply = encoder_server.embed(input=[[5, 6], [7, strange]])
    assert (reply.status, reply.error["param"]) == (400, "input[1]")
    assert f"id {strange} is outside" in reply.error["message"]
    assert f"from 0 to {len(VOCABULARY) - 1}" in reply.error["message"]
    assert "check_embedding_ctx_length=False" in reply.error["message"]


@pytest.mark.parametrize("given", [["a", "cat " * 60], [[5], [6] * 62]])
def test_a_text_longer_than_the_model_reads_is_told_both_numbers(encoder_server: Server, given: object):
    with encoder_server.embeddings() as create, pytest.raises(openai.BadRequestError) as caught:
        create(input=given)
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")
    assert "62" in caught.value.message
    assert str(LONGEST) in caught.value.message


def test_cutting_by_the_server_is_refused_and_what_means_nothing_is_ignored(encoder_server: Server):
    reply = encoder_server.embed(truncate_prompt_tokens=10)
    assert (reply.status, reply.error["code"]) == (400, "unsupported_parameter")
    assert encoder_server.embed(priority=1, truncate_prompt_tokens=None, add_special_tokens=True).status == 200


def test_another_model_is_not_found(encoder_server: Server):
    reply = encoder_server.embed(model="text-embedding-3-small")
    assert (reply.status, reply.error["code"]) == (404, "model_not_found")


def test_a_model_that_makes_no_vectors_says_so(server: Server):
    reply = server.embed(input="a cat")
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")
    assert server.model.name in reply.error["message"]


def test_a_model_that_cannot_talk_says_so(encoder_server: Server):
    reply = encoder_server.chat()
    assert (reply.status, reply.error["param"]) == (400, "model")
    assert f"{encoder_server.model.name} turns texts into vectors" in reply.error["message"]
    assert "/v1/embeddings" in reply.error["message"]


def test_the_card_says_how_much_of_a_text_is_read(encoder_server: Server):
    (card,) = encoder_server.send("GET", "/v1/models").json["data"]
    assert card["max_model_len"] == LONGEST


def test_a_batch_that_is_left_ends_with_its_step(encoder_model: unmask.Model):
    async def scenario() -> None:
        host = Host(encoder_model)
        computed = []
        handle = encoder_model.core.register_forward_hook(lambda *_: computed.append(1))
        rows = encoder_model.rows(["cat " * 40] * 2048)
        async with aclosing(host.steps(partial(begun, encoder_model, rows, "float"))) as steps:
            await anext(steps)
        async with aclosing(host.steps(lambda: iter([1]))) as steps:
            await anext(steps)
        handle.remove()
        assert len(computed) < 20  # of more than a hundred: the loop may hear late of the first on a busy machine
        assert not host.busy
        host.close()

    asyncio.run(scenario())


def test_more_texts_and_characters_than_the_server_takes_are_refused(encoder_model: unmask.Model):
    with serving(encoder_model, limits=Limits(texts=2, characters=20)) as server:
        many, long = server.embed(input=["a"] * 3), server.embed(input=["a cat " * 4, "b"])
        assert server.embed(input=["a", "b"]).status == 200
    assert (many.status, many.error["param"]) == (400, "input")
    assert "3 is more than the 2" in many.error["message"]
    assert (long.status, long.error["param"]) == (400, "input")
    assert "25 characters; at most 20" in long.error["message"]


def test_a_client_that_leaves_frees_the_model(encoder_server: Server):
    many = {"model": encoder_server.model.name, "input": ["cat " * 40] * 2048}
    connection = encoder_server.connect()
    connection.request("POST", "/v1/embeddings", json.dumps(many), {"Content-Type": "application/json"})
    until(lambda: encoder_server.health["busy"])
    connection.close()
    until(lambda: not encoder_server.health["busy"])
    assert encoder_server.embed().status == 200
