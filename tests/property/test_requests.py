"""Whatever a client sends, it gets an answer or is told what is wrong: never a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import unmask
from tests.unit.server.live import QUESTION, Server, serving

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 20)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "The fox", "auto", "required", "none", "json_object", "云", "\ud800", "\x00", "("]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "function", "name", "5", "text", "schema", "role", "content"]), inner
        )
    ),
    max_leaves=6,
)
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": QUESTION, "max_tokens": 3},
    "/v1/completions": {"prompt": "The fox", "max_tokens": 3},
    "/infill": {"input_prefix": "a", "input_suffix": "b", "n_predict": 3},
    "/tokenize": {"prompt": "The fox"},
    "/detokenize": {"tokens": [5, 6]},
    "/v1/embeddings": {"input": "a cat"},
    "/v1/rerank": {"query": "a cat", "documents": ["a mat"]},
}


@pytest.fixture(scope="module")
def servers(tiny_model: unmask.Model, encoder_model: unmask.Model) -> Iterator[dict[str, Server]]:
    with serving(tiny_model) as writes, serving(encoder_model) as reads:
        yield {path: reads if path in ("/v1/embeddings", "/v1/rerank") else writes for path in ROUTES}


@pytest.fixture(scope="module")
def fields(servers: dict[str, Server]) -> dict[str, list[str]]:
    """The fields that each route's schema has."""
    found = {}
    for path, server in servers.items():
        plain = server.send("GET", "/openapi.json").json
        schema = plain["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        found[path] = sorted(plain["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"])
    return found


@pytest.mark.parametrize("path", ROUTES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_field_is_taken_or_refused_in_openais_form(
    servers: dict[str, Server], fields: dict[str, list[str]], path: str, data: st.DataObject
):
    server = servers[path]
    changed = data.draw(st.dictionaries(st.sampled_from(fields[path]), ANYTHING, min_size=1, max_size=3))
    reply = server.send("POST", path, {"model": server.model.name} | ROUTES[path] | changed)
    if reply.status == 200:
        assert b'"error"' not in reply.body
    else:
        assert reply.status in (400, 404)
        assert reply.error["message"]
