"""The command line with real models: as a pipe, and when it is interrupted."""

from __future__ import annotations

import json
import math
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import unmask
from unmask.cli.program import program
from unmask.model import CHAT
from unmask.native.library import library

UNMASK = [sys.executable, "-m", "unmask"]
# What a shell starts in the background ignores Ctrl-C, and hands this down, as to these tests in CI.
HEEDFUL = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("unmask", run_name="__main__")
"""
GREEDY = ("--temperature", "0", "--limit", "8")
CALM = replace(CHAT, temperature=0.0)
"""What a chat with GREEDY draws with: the rest is as it is advised."""
PATIENCE = 30.0
"""Seconds until a silent process counts as stuck."""


def run(*arguments: str | Path | int, piped: str | None = None) -> Result:
    return CliRunner().invoke(program(), [str(each) for each in arguments], input=piped, prog_name="unmask")


def test_the_real_model_names_paris_on_standard_output_and_says_nothing_else(smollm2: Path) -> None:
    question = "What is the capital of France?"
    done = subprocess.run(
        [*UNMASK, "chat", "-m", smollm2, "-p", question, "--temperature", "0", "--stop", "."],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Paris" in done.stdout


def test_piped_notes_are_part_of_what_chat_answers(tiny_folder: Path, tiny_model: unmask.Model) -> None:
    result = run("chat", "-m", tiny_folder, "-p", "Summarize", *GREEDY, piped="Line one.\nLine two.\n")
    question = {"role": "user", "content": "Summarize\n\nLine one.\nLine two."}
    assert result.stdout == tiny_model.chat([question], sampling=CALM, limit=8).text + "\n"


def test_chat_as_json_is_one_document_with_the_whole_answer(tiny_folder: Path, tiny_model: unmask.Model) -> None:
    result = run("chat", "-m", tiny_folder, "--json", *GREEDY, piped="Hi\n")
    reply = tiny_model.chat([{"role": "user", "content": "Hi"}], sampling=CALM, limit=8)
    assert json.loads(result.stdout) == {
        "model": str(tiny_folder),
        "text": reply.text,
        "finish": reply.finish,
        "prompt_tokens": reply.prompt_tokens,
        "tokens": len(reply.tokens),
    }


def test_instructions_change_the_answer(tiny_folder: Path) -> None:
    arguments = ("chat", "-m", tiny_folder, "-p", "Hi", "--limit", "4", "--temperature", "0", "--json")
    plain, instructed = json.loads(run(*arguments).stdout), json.loads(run(*arguments, "--system", "Be brief.").stdout)
    assert instructed["prompt_tokens"] > plain["prompt_tokens"]


def test_generate_writes_the_continuation_without_the_prompt(tiny_folder: Path, tiny_model: unmask.Model) -> None:
    result = run("generate", "-m", tiny_folder, "The quick brown", "--limit", "3")
    assert result.stdout == tiny_model.generate("The quick brown", limit=3).text + "\n"
    assert "cut after 3 tokens" in result.stderr


def test_the_same_seed_writes_the_same_text(tiny_folder: Path) -> None:
    arguments = ("generate", "-m", tiny_folder, "Hi", "--limit", "12", "--temperature", "1")
    first, again, other = (run(*arguments, "--seed", seed).stdout for seed in ("7", "7", "8"))
    assert first == again
    assert first != other


def test_a_stop_text_ends_the_answer_and_is_left_out(tiny_folder: Path, tiny_model: unmask.Model) -> None:
    text = tiny_model.generate("The quick brown", limit=8).text
    stop = text[3:5]
    result = run("generate", "-m", tiny_folder, "The quick brown", "--limit", "8", "--stop", stop, "--json")
    answer = json.loads(result.stdout)
    assert (answer["text"], answer["finish"]) == (text[: text.index(stop)], "stop")


def test_a_score_is_the_sum_of_its_tokens(tiny_folder: Path) -> None:
    score = json.loads(run("score", "-m", tiny_folder, "The capital of France is Paris.", "--json").stdout)
    assert score["logprobs"][0] is None
    known = score["logprobs"][1:]
    assert score["total"] == pytest.approx(sum(known))
    assert score["perplexity"] == pytest.approx(math.exp(-sum(known) / len(known)))
    assert "".join(score["tokens"]) == "The capital of France is Paris."


def test_show_describes_the_model(smollm2: Path) -> None:
    shown = json.loads(run("show", smollm2, "--json").stdout)
    # SmolLM2-135M's published config.json and its parameter count.
    assert shown["architecture"] == "llama"
    assert shown["parameters"] == 134_515_008
    assert (shown["context"], shown["vocabulary"], shown["template"]) == (8192, 49152, True)
    assert (shown["spec"]["width"], len(shown["spec"]["blocks"])) == (576, 30)


def test_show_is_readable_too(tiny_folder: Path) -> None:
    text = run("show", tiny_folder).stdout
    assert "depth 2, width 32, heads 4 (2 for keys), feed-forward 64" in text
    assert "4,096 tokens" in text


def test_dtype_is_obeyed(tiny_folder: Path) -> None:
    assert json.loads(run("show", tiny_folder, "--dtype", "bfloat16", "--json").stdout)["dtype"] == "bfloat16"


def test_a_model_that_was_not_pulled_is_one_line_that_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNMASK_HOME", str(tmp_path))
    result = run("chat", "-p", "Hi")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "unmask pull smollm2:135m" in result.stderr


def test_without_models_the_list_is_empty_and_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_HOME", str(tmp_path))
    assert json.loads(run("list", "--json").stdout) == []
    result = run("list")
    assert result.stdout == ""
    assert "unmask pull smollm2:135m" in result.stderr


def test_a_pulled_model_is_listed_and_pulling_it_again_only_says_where_it_is(smollm2: Path) -> None:
    (entry,) = [each for each in json.loads(run("list", "--json").stdout) if each["name"] == "smollm2:135m"]
    assert (entry["format"], entry["size"]) == ("gguf", smollm2.stat().st_size)
    assert run("pull", "smollm2:135m").stdout.strip() == entry["path"]
    assert json.loads(run("pull", "smollm2:135m", "--json").stdout) == {"name": "smollm2:135m", "path": entry["path"]}
    assert entry["path"] in run("list").stdout


def test_a_prompt_longer_than_the_context_is_told_both_numbers(tiny_folder: Path) -> None:
    context = json.loads(run("show", tiny_folder, "--json").stdout)["context"]
    result = run("generate", "-m", tiny_folder, piped="word " * 4 * context)
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(context) in result.stderr.replace(",", "")


@pytest.fixture
def writer(tiny_folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the midst of writing a text that fills the context."""
    process = subprocess.Popen(
        [sys.executable, "-c", HEEDFUL, "generate", "-m", tiny_folder, "Once upon a time"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        yield process
        process.kill()


def test_a_reader_that_closes_the_pipe_ends_the_work_quietly(writer: subprocess.Popen[bytes]) -> None:
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait(timeout=PATIENCE) == 1


def test_ctrl_c_stops_a_single_answer_quietly_with_130(writer: subprocess.Popen[bytes]) -> None:
    writer.send_signal(signal.SIGINT)
    _, told = writer.communicate(timeout=PATIENCE)
    assert (writer.returncode, told.strip()) == (130, b"")


def test_serve_says_where_it_serves_and_ends_on_ctrl_c(tiny_folder: Path) -> None:
    process = subprocess.Popen(
        [*UNMASK, "serve", tiny_folder, "--port", "0", "--no-page", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
    assert said["page"] is None
    with urllib.request.urlopen(f"{said['api']}/models", timeout=PATIENCE) as answer:
        assert json.load(answer)["object"] == "list"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert said["api"] in told
    assert ("Weights in int8 for speed; --quantize none keeps them exact" in told) == (library() is not None)
    assert "Traceback" not in told


def test_a_port_in_use_is_said_before_the_model_is_looked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "no/such-model", "--port", port)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert f"127.0.0.1:{port}" in result.stderr
