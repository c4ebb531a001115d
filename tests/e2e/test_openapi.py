"""What the server says of itself at /openapi.json, tried by schemathesis: requests made from it, good and bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import unmask
from tests.unit.server.live import PATIENCE, Server, serving

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
BOTH = {200, 400}
WRITER = {
    "GET /v1/models": {200},
    "GET /v1/models/{name}": {404},
    "POST /v1/chat/completions": BOTH,
    "POST /v1/completions": BOTH,
    "POST /infill": {400},
    "POST /tokenize": BOTH,
    "POST /detokenize": BOTH,
    "GET /health": {200},
    "GET /health/ready": {200},
}
"""What a model that writes, but fills no gaps, answers with."""
ENCODER = {"POST /v1/embeddings": BOTH, "POST /v1/rerank": BOTH}
LENGTHS = ("max_tokens", "max_completion_tokens", "n_predict")
EXAMPLES = 40


Servers = Mapping[str, Server]


@pytest.fixture(scope="module")
def servers(tiny_model: unmask.Model, encoder_model: unmask.Model) -> Iterator[Servers]:
    """One that writes, and one that makes vectors."""
    with serving(tiny_model) as writer, serving(encoder_model) as encoder:
        yield {"writer": writer, "encoder": encoder}


def meant(case: schemathesis.Case, model: str) -> schemathesis.Case:
    """The same request for our model, which chance would never name, and for a short answer."""
    if isinstance(case.body, dict):
        case.body["model"] = model
        for name in LENGTHS:
            if not isinstance(case.body.get(name), str):
                case.body[name] = 4
    return case


def test_it_lists_all_routes(servers: Servers) -> None:
    paths = servers["writer"].send("GET", "/openapi.json").json["paths"]
    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == {*WRITER, *ENCODER}


@pytest.mark.parametrize(
    ("kind", "route"), [*(("writer", route) for route in WRITER), *(("encoder", route) for route in ENCODER)]
)
def test_whatever_is_sent_is_answered_as_it_says(kind: str, route: str, servers: Servers) -> None:
    server = servers[kind]
    root = f"http://127.0.0.1:{server.port}"
    method, path = route.split()
    operation = schemathesis.openapi.from_url(f"{root}/openapi.json")[path][method]
    seen: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=(Phase.generate,),
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        answer = meant(case, server.model.name).call(base_url=root, timeout=PATIENCE)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()
    assert seen == (WRITER | ENCODER)[route]
