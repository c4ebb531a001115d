"""The clients that people have, on `unmask serve` with real models.

Those that do not live beside the openai we test with have an environment of their own, with what is in
tests/clients/requirements.txt; `make slow` makes it, and names its Python in UNMASK_CLIENTS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

import unmask
from tests.clients.openai_chat import check
from tests.e2e.served import Served, served_by

SCRIPTS = Path(__file__).parents[1] / "clients"
ROWS = 24
TASK = """
task: twenty_four_questions
dataset_path: json
dataset_kwargs: {{data_files: {{validation: {rows}}}}}
validation_split: validation
output_type: multiple_choice
doc_to_text: "Question: {{{{goal}}}}\\nAnswer:"
doc_to_choice: "{{{{[sol1, sol2]}}}}"
doc_to_target: label
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that has the other clients."""
    if "UNMASK_CLIENTS" not in os.environ:
        pytest.skip("UNMASK_CLIENTS does not name a Python with tests/clients/requirements.txt; make slow does")
    return os.environ["UNMASK_CLIENTS"]


@pytest.fixture(scope="module")
def both(smollm2: Path, minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a chat model and an encoder, in float32: what it says can be compared with what is said here."""
    command = [sys.executable, "-m", "unmask", "serve", "smollm2:135m", "minilm", "--port", "0", "--no-page"]
    with served_by(
        [*command, "--quantize", "none", "--dtype", "float32"], tmp_path_factory.mktemp("both") / "log"
    ) as server:
        yield server


def run(*command: str, **environment: str) -> None:
    """A program of the other environment; what it said is shown if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_openais_client_chats_calls_tools_and_gets_formed_answers(served: Served) -> None:
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="none", max_retries=0) as client:
        check(client, "smollm2:135m")


@pytest.mark.slow
@pytest.mark.parametrize("script", ["openai_chat.py", "langchain_chat.py", "llama_index_chat.py"])
def test_other_clients_do_too(script: str, python: str, both: Served) -> None:
    run(python, str(SCRIPTS / script), f"{both.root}/v1", "smollm2:135m", "minilm")


@pytest.mark.slow
@pytest.mark.shared
def test_lm_eval_finds_over_http_what_the_model_says_here(
    python: str, both: Served, smollm2: Path, shared: Path, tmp_path: Path
) -> None:
    model = unmask.load(smollm2, dtype="float32")
    lines = (shared / "data" / "piqa" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:ROWS]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "task.yaml").write_text(TASK.format(rows=tmp_path / "rows.jsonl"), encoding="utf-8")
    model.save(tmp_path / "model")
    settings = {
        "model": "smollm2:135m",
        "base_url": f"{both.root}/v1/completions",
        "tokenizer": tmp_path / "model",
        "num_concurrent": 4,
        "max_length": 2048,
    }
    told = ",".join(f"{name}={value}" for name, value in settings.items())
    wanted = ["--include_path", str(tmp_path), "--tasks", "twenty_four_questions", "--log_samples"]
    command = [python, "-m", "lm_eval", "run", "--model", "local-completions", "--model_args", told, *wanted]
    run(*command, "--output_path", str(tmp_path / "out"), HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"))
    (samples,) = (tmp_path / "out").rglob("samples_*.jsonl")
    answered = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    assert len(answered) == ROWS
    for each in answered:
        theirs = [float(reply[0][0]) for reply in each["resps"]]
        ours = [offline(model, asked["arg_0"], asked["arg_1"]) for asked in each["arguments"].values()]
        # Read in parts there and at once here, sums of float32 come out a little different.
        assert theirs == pytest.approx(ours, abs=2e-3)
        assert each["acc"] == float(ours.index(max(ours)) == each["doc"]["label"])


def offline(model: unmask.Model, context: str, continuation: str) -> float:
    """The log-probability of the continuation, as the model scores the whole text."""
    begun = len(model.tokenizer.encode(context).ids)
    return sum(value for value in model.score(context + continuation).logprobs[begun:] if value is not None)
