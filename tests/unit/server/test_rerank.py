"""Ranks of documents over HTTP."""

from __future__ import annotations

import numpy
import pytest

from tests.unit.server.live import Reply, Server, serving
from unmask.server.limits import Limits

QUERY = "the capital of france"
DOCUMENTS = ["a cat sat on the mat .", "paris is the capital .", "猫 云", "the capital of france is paris ."]


def rerank(server: Server, *, path: str = "/v1/rerank", **fields: object) -> Reply:
    return server.send("POST", path, {"model": server.model.name, "query": QUERY, "documents": DOCUMENTS} | fields)


@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])
def test_documents_come_by_the_cosine_to_the_query_the_best_first(encoder_server: Server, path: str):
    query, *documents = (encoder_server.model.embed(text).numpy() for text in (QUERY, *DOCUMENTS))
    cosines = [query @ each / numpy.linalg.norm(query) / numpy.linalg.norm(each) for each in documents]
    answer = rerank(encoder_server, path=path).json
    found = {each["index"]: each["relevance_score"] for each in answer["results"]}
    assert list(found) == sorted(range(4), key=lambda index: -cosines[index])
    numpy.testing.assert_allclose([found[index] for index in range(4)], cosines, atol=1e-5)
    assert [each["document"]["text"] for each in answer["results"]] == [DOCUMENTS[index] for index in found]
    assert answer["model"] == encoder_server.model.name


def test_only_the_best_are_returned_and_no_texts_if_so_asked(encoder_server: Server):
    everything = rerank(encoder_server).json["results"]
    best = rerank(encoder_server, top_n=2, return_documents=False).json["results"]
    assert [each["index"] for each in best] == [each["index"] for each in everything[:2]]
    assert all(set(each) == {"index", "relevance_score"} for each in best)
    assert len(rerank(encoder_server, top_n=100).json["results"]) == 4


def test_documents_may_be_objects_with_a_text(encoder_server: Server):
    plain = rerank(encoder_server).json["results"]
    assert rerank(encoder_server, documents=[{"text": each} for each in DOCUMENTS]).json["results"] == plain


def test_usage_counts_query_and_documents(encoder_server: Server):
    # [CLS] a cat [SEP] and twice [CLS] mat [SEP].
    usage = rerank(encoder_server, query="a cat", documents=["mat", "mat"]).json["usage"]
    assert usage == {"prompt_tokens": 10, "total_tokens": 10}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"query": ""}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "a"}, "documents"),
        ({"documents": [{"text": ""}]}, "documents[0]"),
        ({"top_n": 0}, "top_n"),
    ],
)
def test_what_cannot_be_ranked_is_refused_by_name(encoder_server: Server, fields: dict[str, object], param: str):
    reply = rerank(encoder_server, **fields)
    assert reply.status == 400
    assert reply.error["param"].startswith(param)


def test_a_document_longer_than_the_model_reads_is_told_both_numbers(encoder_server: Server):
    reply = rerank(encoder_server, documents=["a", "cat " * 60])
    assert (reply.status, reply.error["code"]) == (400, "context_length_exceeded")
    assert "62" in reply.error["message"]


def test_a_model_that_makes_no_vectors_says_so(server: Server):
    assert server.model.name in rerank(server).error["message"]


def test_more_documents_than_the_server_takes_are_refused(encoder_model):
    with serving(encoder_model, limits=Limits(texts=3)) as server:
        reply = rerank(server)
    assert (reply.status, reply.error["param"]) == (400, "documents")
    assert "4 is more than the 3" in reply.error["message"]
