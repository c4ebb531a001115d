from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import transformers

import unmask
from tests.unit.views.pages import check_stands_alone, chinese
from unmask.base.errors import RequestError
from unmask.views.occurrences import Occurrence, Senses, senses, word_spans
from unmask.views.sense import gap_of, labels_of, nearest, sense_view


def made(cosines: torch.Tensor, sentences: list[int]) -> Senses:
    texts = tuple("one cat, two cat, three cat" for _ in range(max(sentences) + 1))
    found = tuple(Occurrence(number, 4, 7, (1,)) for number in sentences)
    return Senses("cat", texts, found, False, cosines)


def test_cosines_are_those_of_the_mean_of_transformers_hidden_states(encoder_folder: Path, encoder_model: unmask.Model):
    sentences = ["the cat sat on a mat", "paris is a cat", "a dog sat on the cat"]
    found = senses(encoder_model.core, encoder_model.reader, "cat", sentences)
    oracle = transformers.BertForMaskedLM.from_pretrained(encoder_folder).eval()
    vectors = []
    for sentence in sentences:
        ids = encoder_model.reader.whole(sentence).ids
        with torch.inference_mode():
            hidden = oracle(torch.tensor([ids]), output_hidden_states=True).hidden_states
        places = [at for at, token in enumerate(ids) if token == encoder_model.tokenizer.id("cat")]
        vectors.append([[float(value) for value in layer[0, places].mean(dim=0)] for layer in hidden])
    for depth in range(3):
        for left in range(3):
            for right in range(3):
                one, two = vectors[left][depth], vectors[right][depth]
                dot = sum(a * b for a, b in zip(one, two, strict=True))
                cosine = dot / math.sqrt(sum(a * a for a in one) * sum(b * b for b in two))
                assert float(found.cosines[depth, left, right]) == pytest.approx(cosine, abs=1e-4)


def test_a_word_of_several_tokens_is_their_mean(encoder_model: unmask.Model):
    found = senses(encoder_model.core, encoder_model.reader, "dog", ["a dog sat", "the dog"])
    assert [len(each.tokens) for each in found.occurrences] == [3, 3]  # d, ##o, ##g


@pytest.mark.parametrize(
    ("word", "sentence", "found"),
    [
        ("bank", "Bank on the bank, not the banker or embankment.", ["Bank", "bank"]),
        ("BANK", "a bank's bank-note", ["bank", "bank"]),
        ("bank", "去bank取钱", ["bank"]),
        ("银行", "银行旁边的银行家", ["银行", "银行"]),
        ("猫", "光猫和猫", ["猫", "猫"]),
        ("a.b", "axb a.b", ["a.b"]),
        ("bank", "river", []),
    ],
)
def test_a_word_is_found_whole_where_blanks_part_words_and_anywhere_in_chinese(
    word: str, sentence: str, found: list[str]
):
    assert [sentence[start:end] for start, end in word_spans(word, sentence)] == found


def test_a_sentence_without_the_word_is_named(encoder_model: unmask.Model):
    with pytest.raises(RequestError, match="Sentence 2 lacks the word 'cat': 'the dog sat'"):
        senses(encoder_model.core, encoder_model.reader, "cat", ["the cat", "the dog sat"])


def test_an_empty_word_is_refused(encoder_model: unmask.Model):
    with pytest.raises(RequestError, match="The word is empty"):
        senses(encoder_model.core, encoder_model.reader, " ", ["the cat"])


@pytest.mark.parametrize(("text", "count"), [("the cat", 1), ("cat " * 25, 25)])
def test_too_few_and_too_many_occurrences_are_refused(encoder_model: unmask.Model, text: str, count: int):
    with pytest.raises(RequestError, match=f"'cat' occurs {count} times in the sentences; from 2 to 24"):
        senses(encoder_model.core, encoder_model.reader, "cat", [text])


def test_a_word_that_the_vocabulary_lacks_is_said_to_be_unknown(encoder_model: unmask.Model):
    found = senses(encoder_model.core, encoder_model.reader, "狗", ["a 狗 sat", "the 狗"])
    assert found.unknown
    view = sense_view(found, name="tiny", tongue="en", writes=False)
    assert any("vocabulary lacks the word" in note for note in view.notes)
    known = senses(encoder_model.core, encoder_model.reader, "猫", ["a 猫 sat", "the 猫"])
    assert not known.unknown


def test_occurrences_of_one_sentence_are_told_apart_by_letters():
    assert labels_of(made(torch.zeros(1, 4, 4), [0, 1, 1, 2])) == ["1", "2a", "2b", "3"]


def test_the_nearest_is_the_most_similar_other():
    cosines = torch.tensor([[[1.0, 0.2, 0.9], [0.2, 1.0, 0.3], [0.9, 0.3, 1.0]]])
    assert nearest(cosines).tolist() == [[2, 2, 0]]


def test_the_gap_is_between_the_means_of_pairs_of_one_meaning_and_of_two():
    cosines = torch.eye(4).repeat(2, 1, 1)
    for left, right, value in [(0, 1, 0.9), (2, 3, 0.7), (0, 2, 0.5), (0, 3, 0.4), (1, 2, 0.3), (1, 3, 0.2)]:
        cosines[1, left, right] = cosines[1, right, left] = value
    gap = gap_of(made(cosines, [0, 1, 2, 3]), [0, 0, 1, 1])
    assert gap.same.tolist() == pytest.approx([0.0, 0.8])
    assert gap.apart.tolist() == pytest.approx([0.0, 0.35])


def test_a_page_with_meanings_opens_where_they_lie_furthest_apart():
    cosines = torch.ones(3, 3, 3)
    cosines[1, 2, :2] = cosines[1, :2, 2] = 0.5
    view = sense_view(made(cosines, [0, 1, 2]), name="tiny", tongue="en", writes=True, groups=[0, 0, 1])
    assert view.data["depth"] == 1
    assert 'value="1"' in view.body
    assert any("only what stands before it" in note for note in view.notes)


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_the_page_of_long_sentences_stands_alone(tiny_model: unmask.Model, tongue: str):
    sentences = [f"{'猫 <b>&amp;</b> sat. ' * 40} number {number} fox" for number in range(4)]
    found = senses(tiny_model.core, tiny_model.reader, "fox", sentences)
    view = sense_view(found, name="tiny", tongue=tongue, writes=True)
    check_stands_alone(view)
    assert chinese("".join(view.notes)) == (tongue == "zh")
