"""What is counted and told, and what never is."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse
from starlette.types import Message

import unmask
from tests.unit.server.live import Server, serving
from unmask.server.metrics import Meter
from unmask.server.visits import Visits

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(server: Server) -> Samples:
    told = server.send("GET", "/metrics")
    assert told.headers["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(told.body.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((f"unmask_{name}", frozenset(labels.items())), 0.0)


def test_an_answer_is_in_every_measure_of_it(tiny_model: unmask.Model):
    with serving(tiny_model) as server:
        usage = [server.chat(max_tokens=4, ignore_eos=True).json["usage"] for _ in range(2)]
        found = samples(server)
    model = {"model": tiny_model.name}
    assert value(found, "requests_total", route="/v1/chat/completions", code="200") == 2
    assert value(found, "first_token_seconds_count", **model) == 2
    assert value(found, "between_tokens_seconds_count", **model) == 6
    assert value(found, "written_tokens_total", **model) == sum(each["completion_tokens"] for each in usage) == 8
    reused = sum(each["prompt_tokens_details"]["cached_tokens"] for each in usage)
    assert value(found, "reused_tokens_total", **model) == reused
    prompts = sum(each["prompt_tokens"] for each in usage)
    assert value(found, "prompt_tokens_total", **model) + reused == prompts
    assert value(found, "blocks_used", **model) == value(found, "running", **model) == 0
    assert value(found, "blocks", **model) > 0


def test_refusals_are_counted_by_their_reason(tiny_model: unmask.Model):
    with serving(tiny_model) as server:
        server.chat(model="nobody")
        server.chat(temperature=-1)
        server.send("GET", "/v1/models", Host="example.com")
        found = samples(server)
    for reason in ("model_not_found", "invalid_value", "unknown_host"):
        assert value(found, "refusals_total", reason=reason) == 1
    assert value(found, "requests_total", route="/v1/chat/completions", code="404") == 1


def test_a_request_is_counted_once_before_its_last_piece_goes_out():
    meter, seen = Meter(), []

    def counted() -> float | None:
        return meter.registry.get_sample_value("unmask_requests_total", {"route": "other", "code": "200"})

    async def send(message: Message) -> None:
        seen.append((message["type"], counted()))

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(Visits(PlainTextResponse("said"), meter=meter)(scope, receive, send))
    assert seen == [("http.response.start", None), ("http.response.body", 1)]
    assert counted() == 1


def test_nothing_that_a_client_makes_up_becomes_a_label(tiny_model: unmask.Model):
    with serving(tiny_model) as server:
        server.send("GET", "/v1/models/my-secret-name")
        server.send("GET", "/v1/nowhere/my-secret-path")
        server.chat(messages=[{"role": "user", "content": "my-secret-question"}], user="my-secret-user")
        told = server.send("GET", "/metrics", x_request_id="my-secret-id").body.decode()
        again = server.send("GET", "/metrics").body.decode()
    assert "my-secret" not in told + again
    assert 'route="/v1/models/{name}"' in told
    assert 'route="other",code="404"' in told or 'code="404",route="other"' in told


def test_two_servers_in_one_process_count_by_themselves(server: Server, tiny_model: unmask.Model):
    server.chat()
    with serving(tiny_model) as other:
        assert value(samples(other), "first_token_seconds_count", model=tiny_model.name) == 0


@pytest.mark.parametrize("given", ["mine-42", "x" * 128])
def test_a_requests_id_comes_back(server: Server, given: str):
    assert server.send("GET", "/v1/models", x_request_id=given).headers["x-request-id"] == given
    assert server.send("GET", "/nowhere", x_request_id=given).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "tab\there"])
def test_an_id_that_is_none_is_replaced(server: Server, given: str):
    made = [server.send("GET", "/v1/models", x_request_id=given).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(each.startswith("req-") for each in made)


def test_scripts_of_pages_may_read_the_id(server: Server):
    told = server.send("GET", "/v1/models", Origin="http://localhost:3000").headers["Access-Control-Expose-Headers"]
    assert "x-request-id" in told.lower()
