from __future__ import annotations

from typing import Any

import pytest

from unmask.base.errors import TokenizerError
from unmask.text.bytelevel import WORD_SPLITS
from unmask.text.gguf_vocabulary import read_gguf
from unmask.text.tokenizer import Tokenizer

Metadata = dict[str, Any]


def read(metadata: Metadata) -> Tokenizer:
    found = read_gguf(metadata)
    assert found is not None
    return found


def spm(**changes: object) -> Metadata:
    """A SentencePiece vocabulary: letters, two words, bytes; "▁ab" scores better than "bc"."""
    plain = ["▁", "a", "b", "c", "▁a", "ab", "bc", "▁ab"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *plain]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [2, 3, 3, *[6] * 256, *[1] * len(plain)],
        "tokenizer.ggml.scores": [0.0] * 259 + [-9.0, -9.0, -9.0, -9.0, -3.0, -1.0, -2.0, -1.5],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        **{f"tokenizer.ggml.{name}": value for name, value in changes.items()},
    }


def tokens(tokenizer: Tokenizer, text: str, *, special: bool = True) -> list[str]:
    return [tokenizer.token(each) for each in tokenizer.encode(text, special=special).ids]


def test_metadata_without_a_tokenizer_gives_none():
    assert read_gguf({"general.architecture": "llama"}) is None
    assert read_gguf({"tokenizer.ggml.model": "no_vocab"}) is None


def test_a_byte_level_vocabulary_gives_back_the_text(metadata: Metadata):
    text = "Don't 今天 12  😀\n"
    tokenizer = read(metadata)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert (tokenizer.size, tokenizer.bos, tokenizer.pad) == (360, 1, 0)


def test_control_tokens_are_special_and_user_defined_ones_are_not(metadata: Metadata):
    metadata["tokenizer.ggml.tokens"].append("<think>")
    metadata["tokenizer.ggml.token_type"].append(4)
    tokenizer = read(metadata)
    ids = tokenizer.encode("<|im_start|>a<think>").ids
    assert (ids[0], ids[-1]) == (1, 360)
    assert tokenizer.decode(ids) == "a<think>"


def test_an_answer_ends_at_eos_eot_and_known_ends_of_turns(metadata: Metadata):
    metadata["tokenizer.ggml.eot_token_id"] = 7
    assert read(metadata).ends == {0, 2, 7}  # <|endoftext|>, <|im_end|>, the file's own


def test_an_end_of_turn_that_is_no_control_token_ends_nothing(metadata: Metadata):
    metadata["tokenizer.ggml.token_type"][0] = 1
    assert read(metadata).ends == {2}


def test_bos_and_eos_are_added_as_the_file_says(metadata: Metadata):
    plain = read(metadata).encode("the cat").ids
    metadata["tokenizer.ggml.add_bos_token"] = True
    metadata["tokenizer.ggml.add_eos_token"] = True
    assert read(metadata).encode("the cat").ids == (1, *plain, 2)
    assert read(metadata).encode("the cat", special=False).ids == plain


def test_llama3_begins_with_bos_unless_the_file_says_no(metadata: Metadata):
    metadata["tokenizer.ggml.pre"] = "llama-bpe"
    assert read(metadata).encode("a").ids[0] == 1
    metadata["tokenizer.ggml.add_bos_token"] = False
    assert read(metadata).encode("a").ids[0] != 1


def test_the_special_texts_are_those_of_the_ids(metadata: Metadata):
    expected = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    assert read(metadata).specials == expected


@pytest.mark.parametrize(
    ("pre", "text", "words"),
    [
        ("gpt-2", "a 1234 It'S x", ["a", " 1234", " It", "'", "S", " x"]),
        ("smollm", "a 1234 b", ["a", " ", "1", "2", "3", "4", " b"]),
        ("llama-bpe", "a 1234 It'S!\n\nx", ["a", " ", "123", "4", " It", "'S", "!\n\n", "x"]),
        ("qwen2", "a 1234 It'S!\n\nx", ["a", " ", "1", "2", "3", "4", " It", "'S", "!\n\n", "x"]),
    ],
)
def test_text_is_cut_into_words_as_the_file_names_it(metadata: Metadata, pre: str, text: str, words: list[str]):
    metadata["tokenizer.ggml.pre"] = pre
    cut = read(metadata).backend.pre_tokenizer.pre_tokenize_str(text)
    assert [text[start:end] for _, (start, end) in cut] == words


def test_qwen2_composes_characters(metadata: Metadata):
    metadata["tokenizer.ggml.pre"] = "qwen2"
    tokenizer = read(metadata)
    assert tokenizer.encode("e\u0301").ids == tokenizer.encode("\u00e9").ids


def test_llama3_takes_a_whole_word_that_no_merge_makes(metadata: Metadata):
    metadata["tokenizer.ggml.tokens"].append("Ġxyz")
    metadata["tokenizer.ggml.token_type"].append(1)
    metadata["tokenizer.ggml.pre"] = "llama-bpe"
    assert tokens(read(metadata), " xyz", special=False) == ["Ġxyz"]
    metadata["tokenizer.ggml.pre"] = "qwen2"
    assert len(tokens(read(metadata), " xyz")) > 1


def test_sentencepiece_merges_the_best_score_first():
    # By hand: "▁abc" -> "ab" (-1.0) before "bc" (-2.0), then "▁ab" (-1.5); nothing takes in the "c".
    assert tokens(read(spm()), "abc") == ["<s>", "▁ab", "c"]


def test_sentencepiece_spells_what_it_does_not_know_in_bytes():
    tokenizer = read(spm())
    assert tokens(tokenizer, "é")[1:] == ["▁", "<0xC3>", "<0xA9>"]
    assert tokenizer.decode(tokenizer.encode("ab é 你 c").ids) == "ab é 你 c"


def test_the_prefix_blank_has_no_place_in_the_original_text():
    tokenizer = read(spm())
    assert tokenizer.encode("ab c").spans == ((0, 0), (0, 2), (2, 3), (3, 4))


def test_no_blank_is_put_before_the_text_where_the_file_says_so():
    tokenizer = read(spm(add_space_prefix=False))
    assert tokens(tokenizer, "ab") == ["<s>", "ab"]
    assert tokenizer.decode(tokenizer.encode(" ab").ids) == " ab"


def test_sentencepiece_adds_no_bos_where_the_file_says_so():
    assert tokens(read(spm(add_bos_token=False)), "ab") == ["▁ab"]


def test_an_empty_token_does_not_take_anothers_place(metadata: Metadata):
    metadata["tokenizer.ggml.tokens"] += ["", ""]
    metadata["tokenizer.ggml.token_type"] += [1, 1]
    assert read(metadata).size == 362


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"model": "gpt3"}, "tokenizer.ggml.model is 'gpt3'; known are gpt2, llama. The nearest is 'gpt2'"),
        ({"model": 7}, "tokenizer.ggml.model is 7"),
        ({"pre": "qwen3"}, "tokenizer.ggml.pre is 'qwen3'; known are .*deepseek-r1-qwen. The nearest is 'qwen2'"),
        ({"pre": 3}, "tokenizer.ggml.pre is '3'"),
        ({"pre": [3]}, r"tokenizer.ggml.pre is '\[3\]'"),
        ({"tokens": None}, "tokenizer.ggml.tokens is missing"),
        ({"tokens": ["a", 1]}, "tokenizer.ggml.tokens is missing, or is not a list"),
        ({"tokens": ["a", "b", "a"], "token_type": [1, 1, 1]}, "holds 'a' twice"),
        ({"token_type": [1, 2]}, "tokenizer.ggml.token_type has 2 entries for 360 tokens"),
        ({"merges": None}, "tokenizer.ggml.merges is missing"),
        ({"merges": ["a b", "ab"]}, "merges, entry 1: 'ab' is not two tokens"),
        ({"merges": ["a b c"]}, "merges, entry 0: 'a b c'"),
        ({"merges": ["a nonsense"]}, "merges do not fit its vocabulary: .*nonsense"),
        ({"bos_token_id": 360}, "bos_token_id is 360, not one of the 360 ids"),
        ({"eos_token_id": -1}, "eos_token_id is -1"),
        ({"padding_token_id": "x"}, "padding_token_id is 'x'"),
        ({"eot_token_id": 1.5}, "eot_token_id is 1.5"),
    ],
)
def test_metadata_that_contradicts_itself_is_an_error_of_ours(metadata: Metadata, change: Metadata, match: str):
    metadata.update({f"tokenizer.ggml.{name}": value for name, value in change.items()})
    with pytest.raises(TokenizerError, match=match):
        read_gguf(metadata)


@pytest.mark.parametrize("scores", [None, [0.0], ["high"] * 267])
def test_sentencepiece_needs_a_score_for_each_token(scores: object):
    with pytest.raises(TokenizerError, match="tokenizer.ggml.scores"):
        read_gguf(spm(scores=scores))


def test_every_known_word_split_builds(metadata: Metadata):
    for pre in WORD_SPLITS:
        metadata["tokenizer.ggml.pre"] = pre
        assert read(metadata).decode(read(metadata).encode("It's 12 今天\n").ids) == "It's 12 今天\n"
