from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import unmask
from unmask.base.errors import ContextError, RequestError, TemplateError
from unmask.model import CHAT, advised


def test_importing_unmask_loads_nothing_heavy():
    heavy = "torch transformers fastapi gradio numpy huggingface_hub tokenizers jinja2 click"
    code = f"import sys, unmask; print([name for name in {heavy.split()!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_no_other_is():
    assert all(getattr(unmask, name) is not None for name in unmask.__all__)
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        unmask.laod  # noqa: B018


def test_a_prompt_longer_than_the_context_says_both_numbers(tiny_model: unmask.Model):
    with pytest.raises(ContextError, match="context holds 4096") as caught:
        tiny_model.generate("中" * 5000)
    assert caught.value.values["tokens"] > 4096
    assert caught.value.values["context"] == 4096


def test_an_answer_ends_at_its_limit_and_says_so(tiny_model: unmask.Model):
    reply = tiny_model.generate("The", limit=5)
    assert (len(reply.tokens), reply.finish, str(reply)) == (5, "length", reply.text)


def test_an_answer_ends_at_the_end_of_the_context(tiny_model: unmask.Model):
    prompt = tiny_model.tokenizer.decode([40] * 4090)
    assert len(tiny_model.tokenizer.encode(prompt).ids) <= 4095
    reply = tiny_model.generate(prompt)
    assert reply.finish == "length"
    assert reply.prompt_tokens + len(reply.tokens) == 4096


def test_a_stop_string_ends_an_answer_and_is_not_shown(tiny_model: unmask.Model):
    whole = tiny_model.generate("The quick", limit=30).text
    stop = whole[12:15]
    reply = tiny_model.generate("The quick", limit=30, stop=[stop])
    assert reply.finish == "stop"
    assert reply.text == whole[: whole.index(stop)]


def test_a_closed_stream_computes_no_more(tiny_model: unmask.Model):
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    hook = tiny_model.core.register_forward_hook(count)
    stream = tiny_model.stream("The", limit=50)
    next(stream)
    stream.close()
    assert list(stream) == []
    assert calls == 1
    hook.remove()


def test_a_chat_is_its_rendered_template(tiny_model: unmask.Model):
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    text = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    assert tiny_model.reader.render(messages) == tiny_model.tokenizer.encode(text, special=False).ids
    chat = tiny_model.chat(messages, sampling=unmask.Sampling(), limit=9)
    assert chat.tokens == tiny_model.generate(text, limit=9).tokens


def test_a_model_without_a_template_says_what_to_do_instead(tiny_folder: Path, tmp_path: Path):
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes((tiny_folder / name).read_bytes())
    with pytest.raises(TemplateError, match=r"no chat template.*generate\(\)"):
        unmask.load(tmp_path).chat([{"role": "user", "content": "hi"}])


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (torch.zeros(3, dtype=torch.int64), r"shape \[B, T\]; it was given shape \[3\]"),
        (torch.zeros(1, 3), "torch.float32"),
        (torch.tensor([[0, 10**6]]), "ids from 0 to 1000000; this vocabulary has ids from 0 to"),
        (torch.tensor([[-1]]), "ids from -1 to -1"),
        (torch.zeros(1, 4097, dtype=torch.int64), "4097 tokens and the model's context holds 4096"),
    ],
)
def test_logits_refuse_what_is_not_a_row_of_ids(tiny_model: unmask.Model, tokens: torch.Tensor, message: str):
    with pytest.raises(unmask.UnmaskError, match=message):
        tiny_model.logits(tokens)


def test_bad_requests_are_refused_in_words(tiny_model: unmask.Model):
    with pytest.raises(RequestError, match="prompt is empty"):
        tiny_model.generate("")
    with pytest.raises(RequestError, match="limit is 0 tokens; it must be at least 1"):
        tiny_model.generate("a", limit=0)
    with pytest.raises(RequestError, match="at least two tokens; this text has 1"):
        tiny_model.score("a")
    with pytest.raises(RequestError, match="Unknown dtype 'bfloat'.*Did you mean 'bfloat16'"):
        unmask.load("anything", dtype="bfloat")
    with pytest.raises(RequestError, match="Device 'cdua' cannot be used here"):
        unmask.load("anything", device="cdua")


def test_no_prompts_give_no_replies(tiny_model: unmask.Model):
    assert tiny_model.generate([]) == []


def test_the_makers_advice_on_sampling_is_taken():
    assert advised({}) == CHAT
    assert advised({"do_sample": False, "temperature": 0.6}) == unmask.Sampling()
    assert advised({"do_sample": True, "temperature": 0.6, "top_k": 20}) == unmask.Sampling(temperature=0.6, top_k=20)


def test_messages_are_in_chinese_where_the_user_is(tiny_model: unmask.Model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UNMASK_LANG", "zh")
    with pytest.raises(ContextError, match="提示有 .* 个词元，而模型的上下文.*4096"):
        tiny_model.generate("中" * 5000)
