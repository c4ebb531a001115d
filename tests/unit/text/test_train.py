"""Vocabularies learnt from text are whole, the same each time, and read by others as by us."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from unmask.base.errors import DataError, TokenizerError
from unmask.text.formats import read_folder
from unmask.text.save import write_folder
from unmask.text.train import learn

ENGLISH = ["The quick brown fox jumps over the lazy dog.", "Foxes are quick; dogs are lazier than foxes."]
CHINESE = ["今天天气很好，我们去公园。", "公园里有很多人，天气真好。", "明天天气不好，我们不去公园。"]
TEXTS = (ENGLISH + CHINESE) * 3
SIZES = {"bytes": 300, "wordpiece": 120, "unigram": 360, "characters": 80}
KINDS = list(SIZES)


def learnt(kind, texts=TEXTS, **settings):
    return learn(kind, iter(texts), **{"vocab": SIZES[kind], **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_a_vocabulary_is_no_larger_than_was_asked_for(kind):
    assert 0 < learnt(kind).size <= SIZES[kind]


@pytest.mark.parametrize("kind", ["bytes", "unigram"])
def test_any_text_can_be_spelled_and_read_back(kind):
    tokenizer = learnt(kind)
    for text in (*TEXTS, "  two  blanks\n\nand lines\t", "龘 is rare 😀", "<0x41>"):
        assert tokenizer.decode(tokenizer.encode(text, special=False).ids) == text


def test_characters_are_a_token_each_and_the_rarest_are_unknown():
    tokenizer = learn("characters", ["aaabbc"], vocab=4)
    assert [tokenizer.token(each) for each in range(4)] == ["<unk>", "<|endoftext|>", "a", "b"]
    assert tokenizer.encode("abca").ids == (2, 3, 0, 2)


def test_word_pieces_stand_between_cls_and_sep_and_chinese_characters_alone():
    tokenizer = learnt("wordpiece")
    spelled = [tokenizer.token(each) for each in tokenizer.encode("Fox; 今天").ids]
    assert spelled == ["[CLS]", "fox", ";", "今", "天", "[SEP]"]
    assert tokenizer.encode("fox", "dog").segments == (0, 0, 0, 1, 1)


def test_word_pieces_go_on_words_with_a_mark():
    tokenizer = learnt("wordpiece")
    spelled = [tokenizer.token(each) for each in tokenizer.encode("quickover", special=False).ids]
    assert spelled == ["quick", "##o", "##ver"]


def test_unigram_pieces_are_words_of_both_languages_and_begin_with_the_blank():
    tokenizer = learnt("unigram")
    pieces = {tokenizer.token(each) for each in range(tokenizer.size)}
    assert {"▁", "公园", "天气"} <= pieces
    assert not any("，" in piece and len(piece) > 1 for piece in pieces), "no piece goes over a mark"


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_come_first_and_are_never_cut(kind):
    tokenizer = learnt(kind, specials=("[gMASK]", "<sop>"))
    first = [tokenizer.id(each) for each in ("[gMASK]", "<sop>")]
    assert max(first) < 8
    assert set(first) <= tokenizer.controls
    assert [each for each in tokenizer.encode("fox[gMASK]<sop>", special=False).ids if each in first] == first


def test_each_kind_has_the_control_tokens_of_its_models():
    found = {kind: learnt(kind) for kind in KINDS}
    named = {kind: (each.bos, each.pad, sorted(each.ends)) for kind, each in found.items()}
    assert named == {
        "bytes": (0, None, [0]),
        "wordpiece": (None, 2, []),
        "unigram": (1, 3, [2]),
        "characters": (1, None, [1]),
    }
    assert found["wordpiece"].mask == found["wordpiece"].id("[MASK]")


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_vocabulary_is_read_back_by_us_and_by_transformers(kind, tmp_path):
    tokenizer = learnt(kind, specials=("[gMASK]",))
    write_folder(tokenizer, None, tmp_path)
    ours, theirs = read_folder(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert ours is not None
    assert (ours.bos, ours.pad, ours.ends) == (tokenizer.bos, tokenizer.pad, tokenizer.ends)
    for text in (*TEXTS[:5], "two  blanks\nand [gMASK] 龘"):
        wanted = list(tokenizer.encode(text).ids)
        assert list(ours.encode(text).ids) == wanted
        assert theirs(text)["input_ids"] == wanted


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_another_process_learns_the_same_vocabulary(kind, tmp_path):
    file = tmp_path / "texts.json"
    file.write_text(json.dumps(TEXTS), encoding="utf-8")
    program = (
        "import json, sys; from unmask.text.train import learn; "
        "texts = json.load(open(sys.argv[1], encoding='utf-8')); "
        f"sys.stdout.write(learn({kind!r}, texts, vocab={SIZES[kind]}).backend.to_str())"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(learnt(kind).backend.to_str())


def test_letters_beyond_half_of_the_room_are_left_to_the_unknown_or_to_bytes():
    texts = ["".join(chr(0x4E00 + each) for each in range(200)) + "的" * 20]
    words = learn("wordpiece", texts, vocab=55)
    assert words.encode("的", special=False).ids != words.encode("\u4e50", special=False).ids
    pieces = learn("unigram", texts, vocab=310)
    assert pieces.size <= 310
    assert pieces.decode(pieces.encode("\u4ec7", special=False).ids) == "\u4ec7"


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(TokenizerError, match="'wordpieces'.*Did you mean 'wordpiece'"):
        learn("wordpieces", TEXTS, vocab=100)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_nothing_to_learn_from_is_an_error_of_data(kind, texts):
    with pytest.raises(DataError, match="no text to learn"):
        learnt(kind, texts)


@pytest.mark.parametrize(("kind", "least"), [("bytes", 257), ("wordpiece", 7), ("unigram", 262), ("characters", 3)])
def test_a_vocabulary_without_room_for_letters_says_how_large_it_must_be(kind, least):
    with pytest.raises(TokenizerError, match=f"tokens is too small.* take {least}"):
        learnt(kind, vocab=least - 1)


def test_text_that_the_library_refuses_is_an_error():
    with pytest.raises(TokenizerError, match="No vocabulary can be learnt"):
        learn("bytes", ["half a character: \ud800"], vocab=300)
