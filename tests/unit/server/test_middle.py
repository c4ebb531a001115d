"""Fill in the middle over HTTP, with a model whose vocabulary has the tokens for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import unmask
from tests.unit.server.live import Reply, Server, serving

CONTROL = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
BEFORE, AFTER = "The quick ", " fox jumps"


@pytest.fixture(scope="module")
def coder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The tiny model with its vocabulary's last words renamed."""
    folder = tmp_path_factory.mktemp("tiny-coder")
    shutil.copytree(tiny_folder, folder, dirs_exist_ok=True)
    path = folder / "tokenizer.json"
    plain = json.loads(path.read_text())
    vocabulary = plain["model"]["vocab"]
    last = sorted(vocabulary, key=vocabulary.get)[-3:]
    del plain["model"]["merges"][-3:]
    for word, control in zip(last, CONTROL, strict=True):
        vocabulary[control] = vocabulary.pop(word)
        plain["added_tokens"].append(plain["added_tokens"][0] | {"id": vocabulary[control], "content": control})
    path.write_text(json.dumps(plain))
    with serving(unmask.load(folder)) as server:
        yield server


def prompt(server: Server, before: str = BEFORE) -> list[int]:
    tokenizer = server.model.tokenizer
    prefix, suffix, middle = map(tokenizer.id, CONTROL)
    return [prefix, *tokenizer.encode(before).ids, suffix, *tokenizer.encode(AFTER).ids, middle]


def infill(server: Server, **fields: object) -> Reply:
    return server.send("POST", "/infill", {"input_prefix": BEFORE, "input_suffix": AFTER, "n_predict": 8} | fields)


def complete(server: Server, **fields: object) -> Reply:
    return server.send("POST", "/v1/completions", {"model": server.model.name, "max_tokens": 8} | fields)


def test_a_suffix_puts_both_texts_around_the_gap(coder: Server):
    expected = complete(coder, prompt=prompt(coder)).json
    answer = complete(coder, prompt=BEFORE, suffix=AFTER).json
    assert answer["choices"][0]["text"] == expected["choices"][0]["text"]
    assert answer["usage"]["prompt_tokens"] == len(prompt(coder))


def test_llama_cpps_route_writes_the_same(coder: Server):
    expected = complete(coder, prompt=prompt(coder)).json["choices"][0]["text"]
    answer = infill(coder).json
    assert (answer["content"], answer["stop"], answer["stop_type"]) == (expected, True, "limit")
    assert (answer["tokens_predicted"], answer["tokens_evaluated"]) == (8, len(prompt(coder)))
    assert answer["model"] == coder.model.name


def test_its_stream_ends_with_the_counts(coder: Server):
    blocks = infill(coder, stream=True).body.decode().removesuffix("\n\n").split("\n\n")
    *parts, end = [json.loads(block.removeprefix("data: ")) for block in blocks]
    assert "".join(part["content"] for part in parts) == infill(coder).json["content"]
    assert [part["stop"] for part in parts] == [False] * len(parts)
    assert (end["stop"], end["content"], end["tokens_predicted"]) == (True, "", 8)


def test_what_the_gap_begins_with_comes_last_and_other_files_first(coder: Server):
    begun = [*prompt(coder), *coder.model.tokenizer.encode("brown").ids]
    assert infill(coder, prompt="brown").json["tokens_evaluated"] == len(begun)
    assert infill(coder, prompt="brown").json["content"] == complete(coder, prompt=begun).json["choices"][0]["text"]
    told = prompt(coder, before=f"--- snippet ---\n\nlazy dog\n{BEFORE}")
    answer = infill(coder, input_extra=[{"text": "lazy dog", "filename": "a.txt"}]).json
    assert answer["tokens_evaluated"] == len(told)


def test_without_the_tokens_it_is_refused_with_the_way_out(server: Server):
    reply = infill(server)
    assert (reply.status, reply.error["param"]) == (400, "input_suffix")
    assert "such as <|fim_prefix|>" in reply.error["message"]
    assert "Qwen2.5-Coder" in reply.error["message"]


def test_there_is_one_answer_only(coder: Server):
    assert infill(coder, n=1).status == 200
    assert infill(coder, n=2).error["param"] == "n"
