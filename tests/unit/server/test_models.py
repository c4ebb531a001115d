"""The list of models."""

from __future__ import annotations

import pytest

from tests.unit.server.live import Server


@pytest.mark.parametrize("prefix", ["/v1", ""])
def test_the_model_is_listed_with_its_context_and_found_by_name(server: Server, prefix: str):
    (card,) = server.send("GET", f"{prefix}/models").json["data"]
    assert (card["id"], card["max_model_len"]) == (server.model.name, server.model.context)
    assert "/" in card["id"]
    assert server.send("GET", f"{prefix}/models/{server.model.name}").json == card


def test_a_slash_too_many_leads_to_the_list_as_well(server: Server):
    assert server.send("GET", "/v1/models/").json == server.send("GET", "/v1/models").json


def test_an_unknown_model_has_no_card(server: Server):
    reply = server.send("GET", "/v1/models/gpt-4")
    assert (reply.status, reply.error["code"]) == (404, "model_not_found")
