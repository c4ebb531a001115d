"""`unmask embed` and `unmask serve` with the real sentence encoder: the page, and OpenAI's own client."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import numpy
import openai
import pytest

from tests.e2e.served import Served, until

QUESTION = "How do I get my money back?"
ANSWERS = ["The cat sleeps on the sofa.", "Refunds are paid within five days.", "It will rain in Paris tomorrow."]


@pytest.fixture
def client(served_encoder: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served_encoder.root}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_openais_client_finds_the_answer_that_fits_the_question(client: openai.OpenAI) -> None:
    (model,) = client.models.list().data
    made = client.embeddings.create(model=model.id, input=[QUESTION, *ANSWERS])
    question, *answers = numpy.array([each.embedding for each in made.data])
    assert question.shape == (384,)
    assert numpy.argmax(answers @ question) == 1


def test_the_command_line_makes_the_same_vectors(client: openai.OpenAI, minilm: Path) -> None:
    command = [sys.executable, "-m", "unmask", "embed", "-m", "minilm"]
    done = subprocess.run(command, input="\n".join(ANSWERS), capture_output=True, text=True, check=True)
    made = client.embeddings.create(model="minilm", input=ANSWERS)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    numpy.testing.assert_allclose(rows, [each.embedding for each in made.data], atol=1e-5)
    assert done.stderr == ""


def test_the_answer_that_fits_the_question_ranks_first(served_encoder: Served) -> None:
    request = {"model": "minilm", "query": QUESTION, "documents": ANSWERS, "top_n": 1}
    (best,) = json.loads(served_encoder.read("/v1/rerank", request))["results"]
    assert best["document"]["text"] == ANSWERS[1]


def test_a_client_that_leaves_a_long_batch_frees_the_model(served_encoder: Served) -> None:
    connection = served_encoder.connect()
    body = json.dumps({"model": "minilm", "input": ["sea " * 200] * 2048})
    connection.request("POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
    until(lambda: served_encoder.health["busy"])
    connection.close()
    until(lambda: not served_encoder.health["busy"])


def test_it_says_that_it_cannot_talk(served_encoder: Served) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        served_encoder.open(
            "/v1/chat/completions", {"model": "minilm", "messages": [{"role": "user", "content": "Hi"}]}
        )
    with caught.value as answer:
        assert answer.code == 400
        assert "minilm turns texts into vectors" in json.load(answer)["error"]["message"]


def test_the_page_says_what_the_model_can_do_and_compares_texts(served_encoder: Served) -> None:
    assert "it cannot talk" in served_encoder.read("/config")
    table = compare(served_encoder, QUESTION, "\n".join(["", *ANSWERS, ""]))
    assert isinstance(table, str)
    similarities, texts = zip(*re.findall("<b>(.*?)</b><span>(.*?)</span>", table), strict=True)
    assert texts[0] == ANSWERS[1]
    assert sorted(texts) == sorted(ANSWERS)
    assert 1 > float(similarities[0]) > float(similarities[1]) >= float(similarities[2])


@pytest.mark.parametrize(("text", "lines"), [("", "a"), ("a", " \n"), ("a", "sea " * 600)])
def test_without_two_texts_that_it_can_read_the_page_stays_as_it_is(
    served_encoder: Served, text: str, lines: str
) -> None:
    shown = compare(served_encoder, text, lines)
    assert isinstance(shown, dict)
    assert shown["__type__"] == "update"
    assert "value" not in shown


def compare(served: Served, text: str, lines: str) -> object:
    """What the page shows in the end."""
    call = json.loads(served.read("/gradio_api/call/compare", {"data": [text, lines, "en"]}))
    *_, last = served.read(f"/gradio_api/call/compare/{call['event_id']}").strip().split("\n\n")
    event, data = last.split("\n")
    assert event == "event: complete", last
    return json.loads(data.removeprefix("data: "))[0]


def test_the_server_called_no_other_machine(served_encoder: Served) -> None:
    compare(served_encoder, "a", "b")
    assert "OUTSIDE" not in served_encoder.log.read_text()
