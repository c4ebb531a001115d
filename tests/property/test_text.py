"""What holds of tokenizers, streams and templates whatever goes in."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers, trainers

from unmask.base.errors import RequestError, TemplateError, TokenizerError, UnmaskError
from unmask.text import meter
from unmask.text.chat import ChatTemplate
from unmask.text.formats import folder_template, gguf_template, read_folder, read_gguf
from unmask.text.stream import StopStrings, TextStream
from unmask.text.tokenizer import Tokenizer

WORDS = [
    "the",
    " cat",
    " 12",
    "今天天气",
    "公园",
    "😀",
    "👩‍👩‍👧",
    "é",
    "e\u0301",
    "\n\n",
    "\t",
    "  ",
    "𒀀",
    "\ufffd",
    "'s",
    "<|im_end|>",
]
TEXTS = st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=12).map("".join)


def learnt() -> tokenizers.Tokenizer:
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<|endoftext|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["".join(WORDS)] * 4 + ["今天 the cat the cat"], trainer)
    return backend


def gguf_metadata() -> dict[str, Any]:
    model = json.loads(learnt().to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3, 3] + [1] * (len(tokens) - 2),
        "tokenizer.ggml.merges": [" ".join(merge) for merge in model["merges"]],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.chat_template": "{{ bos_token }}{{ messages }}",
    }


def byte_fallback() -> dict[str, Any]:
    plain = ["▁", "a", "b", "天", "▁a", "▁▁", "ab", "▁ab", "\ufffd"]
    tokens = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256)), *plain]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [2, 3, *[6] * 256, *[1] * len(plain)],
        "tokenizer.ggml.scores": [-float(index) for index in range(len(tokens))],
    }


def built(metadata: dict[str, Any]) -> Tokenizer:
    tokenizer = read_gguf(metadata)
    assert tokenizer is not None
    return tokenizer


BYTE_LEVEL, FALLBACK = built(gguf_metadata()), built(byte_fallback())


@given(text=TEXTS)
def test_decoding_gives_back_what_was_encoded(text: str):
    encoding = BYTE_LEVEL.encode(text)
    assert BYTE_LEVEL.decode(encoding.ids, skip_special=False) == text


@given(text=TEXTS)
def test_every_id_has_a_span_and_the_spans_cover_the_text(text: str):
    for tokenizer in (BYTE_LEVEL, FALLBACK):
        encoding = tokenizer.encode(text, special=False)
        assert len(encoding.ids) == len(encoding.spans)
        at = 0
        for start, end in encoding.spans:
            assert start <= at <= end <= len(text)
            at = end
        assert at == len(text)


@given(ids=st.lists(st.integers(0, BYTE_LEVEL.size - 1), max_size=60))
def test_a_byte_level_stream_is_its_decoding_in_pieces(ids: list[int]):
    stream = TextStream(BYTE_LEVEL)
    assert "".join(map(stream.push, ids)) + stream.flush() == BYTE_LEVEL.decode(ids)


@given(text=TEXTS, cut=st.integers(0, 40))
def test_a_stream_that_is_cut_off_is_its_decoding_in_pieces(text: str, cut: int):
    for tokenizer in (BYTE_LEVEL, FALLBACK):
        ids, stream = tokenizer.encode(text).ids[:cut], TextStream(tokenizer)
        assert "".join(map(stream.push, ids)) + stream.flush() == tokenizer.decode(ids)


BYTES = st.sampled_from([2 + byte for byte in "天é😀".encode() + b"\xff\x80a "])


@given(ids=st.lists(BYTES | st.integers(0, FALLBACK.size - 1) | st.integers(258, FALLBACK.size - 1), max_size=60))
def test_a_stream_of_byte_tokens_is_its_decoding_in_pieces(ids: list[int]):
    stream = TextStream(FALLBACK)
    assert "".join(map(stream.push, ids)) + stream.flush() == FALLBACK.decode(ids)


@given(text=TEXTS)
def test_a_stream_never_shows_a_half_character_of_a_whole_text(text: str):
    stream = TextStream(BYTE_LEVEL)
    whole = text.replace("\ufffd", "")
    assert "\ufffd" not in "".join(map(stream.push, BYTE_LEVEL.encode(whole).ids))


def end_by_search(text: str, stops: list[str]) -> int | None:
    """Where the text ends if it is read character by character and stops at the first stop string it ends with."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            return end - max(map(len, found))
    return None


@given(
    pieces=st.lists(st.text("ab\n", max_size=5), max_size=12),
    stops=st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3),
)
def test_a_text_ends_before_its_first_stop_string_however_it_is_cut(pieces: list[str], stops: list[str]):
    text, watch, shown, stopped = "".join(pieces), StopStrings(stops), "", False
    for piece in pieces:
        safe, stopped = watch.push(piece)
        shown += safe
        assert text.startswith(shown)
        if stopped:
            break
    end = end_by_search(text, stops)
    assert stopped == (end is not None)
    assert shown + watch.flush() == text[:end]


TAGS = [
    "{{", "}}", "{%", "%}", "{#", "#}", "-%}", " for ", " in ", " endfor ", " if ", " endif ", " else ", " set ",
    " macro ", " endmacro ", " endset ", "namespace", "messages", "message", " loop ", ".index", "['role']",
    ".content", "[0]", "[::-1]", " | ", "tojson", "join", "trim", "replace", "map", "list", "length", "selectattr",
    "default", "(", ")", "[", "]", ",", "'", "'a'", " = ", "==", " + ", " ~ ", " * ", " ** ", " % ", " 1 ",
    " 99999 ", "range(", "raise_exception(", "ns", ".x", " is ", "defined", " not ", " generation ",
    " endgeneration ", " break ", " continue ", " call ", " filter ", "upper", "\n", " a ", "__class__", "format",
    "strftime_now(", "dict(", "{{ 'a' }}", "{% for m in messages %}", "{% endfor %}", "{{ m.content }}",
]  # fmt: skip
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=5)})
    | st.fixed_dictionaries({}, optional={"role": DATA, "content": DATA, "more": DATA})
    | DATA,
    max_size=3,
)


def readable(error: UnmaskError) -> None:
    """Its message can be made from its values."""
    assert str(error)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(meter, "SECONDS", 0.2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2_000)
@given(source=st.lists(st.sampled_from(TAGS) | st.text(max_size=3), max_size=25).map("".join), messages=MESSAGES)
def test_any_template_and_messages_give_text_or_an_error_of_ours(hurried: None, source: str, messages: list[Any]):
    try:
        assert isinstance(ChatTemplate(source, {"bos_token": "<s>"}).render(messages), str)
    except (TemplateError, RequestError) as error:
        readable(error)


@settings(deadline=2_000)
@given(changes=st.dictionaries(st.sampled_from(sorted({*gguf_metadata(), *byte_fallback()})), DATA, max_size=3))
def test_any_gguf_metadata_gives_a_tokenizer_or_an_error_of_ours(changes: dict[str, Any]):
    for metadata in (gguf_metadata(), byte_fallback()):
        try:
            tokenizer = read_gguf({**metadata, **changes})
            assert tokenizer is None or tokenizer.encode("a").ids
            gguf_template({**metadata, **changes})
        except TokenizerError as error:
            readable(error)


FILES = {
    "tokenizer.json": json.loads(learnt().to_str()),
    "tokenizer_config.json": {"eos_token": "<|im_end|>", "chat_template": "a", "added_tokens_decoder": {}},
    "special_tokens_map.json": {"bos_token": {"content": "<|endoftext|>"}},
    "added_tokens.json": {"<|im_end|>": 1},
    "generation_config.json": {"eos_token_id": [0, 1]},
    "chat_template.json": {"chat_template": "b"},
}


def spoil(data: st.DataObject, value: Any) -> Any:
    """The value with one thing somewhere in it put in another's place."""
    if not isinstance(value, dict) or not value or data.draw(st.booleans()):
        return data.draw(DATA)
    key = data.draw(st.sampled_from(sorted(value)))
    return {**value, key: spoil(data, value[key])}


@settings(deadline=2_000)
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_any_folder_gives_a_tokenizer_or_an_error_of_ours(name: str, data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder:
        for each, value in FILES.items():
            spoiled = spoil(data, value) if each == name else value
            (Path(folder) / each).write_text(json.dumps(spoiled), encoding="utf-8")
        try:
            tokenizer = read_folder(Path(folder))
            assert tokenizer is not None
            tokenizer.decode(tokenizer.encode("a cat<|im_end|>").ids)
            folder_template(Path(folder))
        except TokenizerError as error:
            readable(error)
