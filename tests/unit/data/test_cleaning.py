"""Clean text stays as it is; what is hardly text is told apart."""

from __future__ import annotations

import pytest

from unmask.data.cleaning import GOPHER, LENIENT, Cleaning, tidy

PROSE = (
    "When the old ferry left the harbour that morning, nobody on the quay thought much of it. The captain had crossed "
    "the strait some nine hundred times, the sea lay flat, and the few passengers went below to drink their coffee. "
    "Only a boy at the rail saw the bank of fog that stood in the north, and he told his mother about it."
)
CHINESE_PROSE = (
    "清晨渡船离开港口的时候，码头上没有谁多想什么。船长横渡海峡已有九百余次，海面平静，乘客不多，都下舱喝咖啡去了。"
    "只有栏杆边一个男孩望见北方立着一堵雾墙，他把这件事告诉了母亲。"
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("e\u0301", "é"),
        ("a\x00b\x07\ufeffc", "abc"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a  \t\n\u3000\nb \xa0", "a\n\nb"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("\n  def f():\n\treturn 1\n", "  def f():\n\treturn 1"),
        ("一个👩\u200d👧", "一个👩\u200d👧"),
    ],
)
def test_text_is_tidied(text, clean):
    assert tidy(text) == clean


@pytest.mark.parametrize("text", [PROSE, CHINESE_PROSE])
def test_prose_passes_in_both_languages(text):
    assert GOPHER.reason(text) is None


@pytest.mark.parametrize(("text", "reason"), [("one", None), ("字", None), ("?! ...", "short"), ("", "short")])
def test_only_what_has_no_word_is_left_out_unless_more_is_asked(text, reason):
    assert LENIENT.reason(text) == reason


@pytest.mark.parametrize(
    ("rules", "text", "reason"),
    [
        (Cleaning(shortest=4), "one two three", "short"),
        (Cleaning(shortest=4), "一二三四", None),
        (Cleaning(longest=2), "one two three", "long"),
        (Cleaning(word_length=(3, 10)), "a b c d e", "word length"),
        (Cleaning(word_length=(3, 10)), "今天天气很好 ok", None),
        (Cleaning(symbols=0.1), "#one #two three", "symbols"),
        (Cleaning(symbols=0.4), "one… two... three four five", None),
        (Cleaning(bullets=0.9), "- one\n• two\n* three", "bullets"),
        (Cleaning(bullets=0.9), "- one\n• two\nthree", None),
        (Cleaning(ellipses=0.3), "one...\ntwo…\nthree", "ellipses"),
        (Cleaning(letters=0.8), "1 2 3 four", "letters"),
        (Cleaning(repeated_lines=0.3), "buy\nbuy\nnow", "repeated lines"),
        (Cleaning(repeated_lines=0.3), "buy\nit\nnow\nbuy", None),
        (Cleaning(repeated_lines=0.3), "a\nb\n\na\nb\n\nc\nd\n\ne\nf\n\ng\nh\n\ni\nj", None),
        (Cleaning(repeated_text=0.2), "a very long line\na very long line\nb\nc\nd\ne\nf", "repeated text"),
        (Cleaning(phrases=(0.5,)), "buy now buy now and go", "repeated phrases"),
        (Cleaning(phrases=(0.5,)), "buy now and go there then", None),
        (Cleaning(echoes=(0.3,)), "a b c d e a b c d e", "repeated phrases"),
        (Cleaning(echoes=(0.3,)), "a b c d e f g h i j", None),
    ],
)
def test_each_rule_leaves_out_what_it_is_for(rules, text, reason):
    assert rules.reason(text) == reason


def test_overlapping_echoes_count_once():
    # The last 6 of 16 letters are in two phrases of 5 that were there before.
    text = "a b c d e f 0 1 2 3 a b c d e f"
    assert Cleaning(echoes=(6 / 16 - 0.01,)).reason(text) == "repeated phrases"
    assert Cleaning(echoes=(6 / 16,)).reason(text) is None


def test_a_long_run_of_blanks_takes_no_long_time(request):
    # Quadratic time would be hours; the runner's own limit is the test.
    assert tidy("a" + " " * 1_000_000 + "b\n\n\n") == "a" + " " * 1_000_000 + "b"
