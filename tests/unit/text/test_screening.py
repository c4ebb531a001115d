from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from unmask.base.errors import TokenizerError
from unmask.text.formats import read_folder
from unmask.text.screening import check_charsmap, check_growth, growth, steps

VOCABULARY = {"a": 0, "b": 1, "<s>": 2}


def backend() -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer(models.WordLevel(VOCABULARY, unk_token="a"))


def with_bytes(made: tokenizers.Tokenizer) -> None:
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.ByteLevel()] * 60)


def with_replacements(made: tokenizers.Tokenizer) -> None:
    made.normalizer = normalizers.Sequence([normalizers.Replace("a", "aa"), normalizers.Sequence([doubled()] * 20)])


def doubled() -> normalizers.Normalizer:
    return normalizers.Replace(tokenizers.Regex("a"), "b")


def with_templates(made: tokenizers.Tokenizer) -> None:
    twice = processors.TemplateProcessing(single="$A $A", pair="$A $B", special_tokens=[])
    made.post_processor = processors.Sequence([twice] * 30)


def with_decoders(made: tokenizers.Tokenizer) -> None:
    made.decoder = decoders.Sequence([decoders.Replace("a", "a" * 1000)] * 2)


@pytest.mark.parametrize("spoil", [with_bytes, with_replacements, with_templates, with_decoders])
def test_steps_that_multiply_a_text_are_refused(spoil: Callable[[tokenizers.Tokenizer], None], tmp_path: Path):
    made = backend()
    spoil(made)
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TokenizerError, match="times longer; at most 100,000 times is allowed"):
        read_folder(tmp_path)


def test_the_longest_chain_of_steps_in_use_is_allowed():
    made = backend()
    made.normalizer = normalizers.Sequence(  # ALBERT's
        [
            normalizers.Replace("``", '"'),
            normalizers.Replace("''", '"'),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(tokenizers.Regex(" {2,}"), " "),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    check_growth(made)


@pytest.mark.parametrize(
    "step",
    [
        normalizers.Replace("a", "中中"),
        normalizers.Replace(tokenizers.Regex("x*"), "é"),
        normalizers.NFKD(),
        normalizers.NFKC(),
        normalizers.NFD(),
        normalizers.ByteLevel(),
    ],
)
def test_no_step_makes_a_text_longer_than_is_assumed(step: normalizers.Normalizer):
    (state,) = steps(json.loads(step.__getstate__()))
    for text in ("aaaa", "\ufdfa" * 4, "é中 \U0001f642", "\u1e9b\u0323", "\u0390"):
        assert len(step.normalize_str(text).encode()) <= growth(state) * (len(text.encode()) + 1)


@pytest.mark.parametrize("table", [b"Sequen", b"abc", (100).to_bytes(4, "little") + bytes(99)])
def test_a_table_of_characters_that_is_shorter_than_it_says_is_refused(table: bytes, tmp_path: Path):
    state = json.loads(backend().to_str())
    state["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(table).decode()}
    (tmp_path / "tokenizer.json").write_text(json.dumps(state))
    with pytest.raises(TokenizerError, match=f"precompiled_charsmap has {len(table)} bytes"):
        read_folder(tmp_path)


def test_a_table_of_characters_as_long_as_it_says_is_let_through():
    check_charsmap((8).to_bytes(4, "little") + bytes(8) + b"\0")
