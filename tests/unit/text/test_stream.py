from __future__ import annotations

from typing import Any

import pytest
import tokenizers
from tokenizers import decoders, models

from unmask.base.errors import RequestError, TokenizerError
from unmask.text.gguf_vocabulary import read_gguf
from unmask.text.stream import StopStrings, TextStream
from unmask.text.tokenizer import Tokenizer


@pytest.fixture
def tokenizer(metadata: dict[str, Any]) -> Tokenizer:
    found = read_gguf(metadata)
    assert found is not None
    return found


def test_no_half_character_is_shown(tokenizer: Tokenizer):
    ids = tokenizer.encode("a𒀀b").ids
    stream = TextStream(tokenizer)
    assert [stream.push(each) for each in ids] == ["a", "", "", "", "𒀀", "b"]


def test_an_unfinished_character_comes_with_the_flush(tokenizer: Tokenizer):
    stream = TextStream(tokenizer)
    first, *_ = tokenizer.encode("𒀀").ids
    assert stream.push(first) == ""
    assert stream.flush() == "\ufffd"
    assert stream.flush() == ""


def test_wrong_bytes_are_shown_as_soon_as_nothing_can_mend_them(tokenizer: Tokenizer):
    stream = TextStream(tokenizer)
    first = tokenizer.encode("𒀀").ids[0]
    assert [stream.push(first), stream.push(first), *map(stream.push, tokenizer.encode("a").ids)] == [
        "",
        "\ufffd",
        "\ufffda",
    ]


def test_special_tokens_are_not_shown(tokenizer: Tokenizer):
    stream = TextStream(tokenizer)
    assert "".join(map(stream.push, tokenizer.encode("the<|im_end|> cat").ids)) == "the cat"


def test_an_unknown_id_is_refused(tokenizer: Tokenizer):
    with pytest.raises(TokenizerError, match="999999"):
        TextStream(tokenizer).push(999_999)


def test_a_push_decodes_no_more_for_a_longer_answer(tokenizer: Tokenizer):
    stream = TextStream(tokenizer)
    longest = 0
    for each in tokenizer.encode("The cat sat on the mat. 𒀀今天 " * 200).ids:
        stream.push(each)
        longest = max(longest, len(stream.window))
    assert longest <= 16


def byte_fallback() -> Tokenizer:
    """Llama's kind of decoder: byte tokens, and "▁" for a blank, the first of which is dropped."""
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁a", "b"]
    backend = tokenizers.Tokenizer(
        models.BPE({token: index for index, token in enumerate(tokens)}, [], byte_fallback=True)
    )
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return Tokenizer(backend=backend, bos=None, pad=None, ends=frozenset(), specials={})


def test_byte_tokens_wait_for_the_end_of_their_run():
    tokenizer, byte = byte_fallback(), "你".encode()
    stream = TextStream(tokenizer)
    ids = [258, *(1 + each for each in byte), 259]
    assert [stream.push(each) for each in ids] == ["a", "", "", "", "你b"]


def test_later_blanks_are_kept_where_the_first_is_dropped():
    stream = TextStream(byte_fallback())
    assert "".join(stream.push(258) for _ in range(40)) + stream.flush() == "a" + " a" * 39


def test_a_stop_string_in_pieces_is_found_and_never_shown():
    stops = StopStrings(["\n\nUser:"])
    assert [stops.push(piece) for piece in ("Hello\n", "\nUs", "ed\n\nUs", "er: what")] == [
        ("Hello", False),
        ("", False),
        ("\n\nUsed", False),
        ("", True),
    ]
    assert stops.flush() == ""


def test_text_held_for_a_stop_string_comes_with_the_flush():
    stops = StopStrings(["###"])
    assert stops.push("a ##") == ("a ", False)
    assert stops.flush() == "##"
    assert stops.flush() == ""


def test_the_first_stop_string_to_be_complete_counts_and_the_longer_of_two():
    assert StopStrings(["abc", "b"]).push("xabc") == ("xa", True)
    assert StopStrings(["b", "ab"]).push("xabc") == ("x", True)


def test_without_stop_strings_nothing_is_held():
    assert StopStrings([]).push("text") == ("text", False)


def test_an_empty_stop_string_is_refused_by_its_place():
    with pytest.raises(RequestError, match="Stop string 1 is empty"):
        StopStrings(["a", ""])


def test_one_string_in_place_of_a_list_is_refused():
    with pytest.raises(RequestError, match=r"Write \['###'\]"):
        StopStrings("###")
