"""Our tokenizers against transformers', sentencepiece's and the makers' own settings."""

from __future__ import annotations

import gzip
import json
import random
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer
from transformers.integrations.gguf import convert_gguf_tokenizer

from unmask.checkpoints.gguf import open_gguf
from unmask.text.formats import read_folder, read_gguf
from unmask.text.tokenizer import Tokenizer

SPECIALS = ["<|begin|>", "<|end|>", "<|pad|>"]
TEXTS = [
    "Hello world! It's 2024, isn't it? I'VE 12345.67 reasons; they'll see.",
    "  leading and  double   blanks, trailing too  ",
    "tabs\tand\r\nlines\n\n\n and \u00a0 blanks of other kinds\u3000。",
    "今天天气很好,我们去公园散步吧。一共 12345 人!",
    "emoji 😀👩‍👩‍👧 e\u0301migr\u00e9 na\u00efve ﬁ Ⅷ ①٣ \u0928\u092e\u0938\u094d\u0924\u0947",
    "<|begin|>user\nWhat is <|end|>?<|pad|>",
    "def f(x):\n    return x**2  # 注释\n",
    "",
    " ",
    "\n",
]


def random_texts(count: int) -> list[str]:
    """Mixed scripts, digits, blanks and marks in every order."""
    draw = random.Random(7)
    words = ["the", "It's", "'LL", "12", "3456", "中文", "天气", "é", "e\u0301", "😀", "_", "٣", "Ⅷ"]
    parts = [*words, " ", "  ", "\n", "\t", "!", "..."]
    return ["".join(draw.choices(parts, k=draw.randint(1, 20))) for _ in range(count)]


def bpe(split: pre_tokenizers.PreTokenizer, normalizer: normalizers.Normalizer | None = None) -> tokenizers.Tokenizer:
    """A byte-level vocabulary, learnt with the given way to cut words."""
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = split
    backend.decoder = decoders.ByteLevel()
    if normalizer is not None:
        backend.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([*TEXTS, *random_texts(200)], trainer)
    return backend


def pattern(text: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(text), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


# As they stand in the tokenizer.json files of GPT-2, SmolLM2, Llama 3 and Qwen2.
MAKERS: dict[str, tuple[pre_tokenizers.PreTokenizer, normalizers.Normalizer | None]] = {
    "gpt-2": (pre_tokenizers.ByteLevel(add_prefix_space=False), None),
    "smollm": (
        pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        ),
        None,
    ),
    "llama-bpe": (
        pattern(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
            r"|\s+(?!\S)|\s+"
        ),
        None,
    ),
    "qwen2": (
        pattern(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
            r"|\s+(?!\S)|\s+"
        ),
        normalizers.NFC(),
    ),
}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def made(request: pytest.FixtureRequest) -> tuple[str, tokenizers.Tokenizer]:
    return request.param, bpe(*MAKERS[request.param])


def write(folder: Path, name: str, value: object) -> None:
    (folder / name).write_text(json.dumps(value), encoding="utf-8")


def same(ours: Tokenizer | None, theirs: Any, texts: list[str]) -> None:
    """The same ids with and without special tokens, and the same text back, also from ids in any order."""
    assert ours is not None
    for text in texts:
        ids = ours.encode(text).ids
        assert list(ids) == theirs.encode(text), text
        assert list(ours.encode(text, special=False).ids) == theirs.encode(text, add_special_tokens=False), text
        shuffled = random.Random(3).sample(ids, len(ids))
        for some in (list(ids), shuffled):
            assert ours.decode(some) == theirs.decode(some, skip_special_tokens=True)
            assert ours.decode(some, skip_special=False) == theirs.decode(some)


CONFIGS = [
    {},
    {"bos_token": "<|begin|>", "eos_token": "<|end|>", "pad_token": "<|pad|>"},
    {"bos_token": "<|begin|>", "eos_token": "<|end|>", "add_bos_token": True, "add_eos_token": True},
    {"bos_token": {"__type": "AddedToken", "content": "<|begin|>", "special": True}, "eos_token": "the"},
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("surrounded", [False, True])
def test_a_folder_gives_the_ids_of_transformers(
    tmp_path: Path, made: tuple[str, tokenizers.Tokenizer], config: dict[str, Any], surrounded: bool
):
    backend = tokenizers.Tokenizer.from_str(made[1].to_str())
    byte_level = processors.ByteLevel(trim_offsets=False)
    bos = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
    backend.post_processor = processors.Sequence([byte_level, bos]) if surrounded else byte_level
    backend.save(str(tmp_path / "tokenizer.json"))
    write(tmp_path, "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **config})
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    ours = read_folder(tmp_path)
    same(ours, theirs, TEXTS + random_texts(50))
    assert ours is not None
    assert (ours.bos, ours.pad) == (theirs.bos_token_id, theirs.pad_token_id)
    assert ours.ends == {each for each in [theirs.eos_token_id] if each is not None}
    assert ours.size == len(theirs)


@pytest.mark.parametrize(("kind", "pre"), [("GPT2Tokenizer", "gpt-2"), ("Qwen2Tokenizer", "qwen2")])
@pytest.mark.parametrize("flags", [{}, {"add_bos_token": True}])
def test_vocab_and_merges_give_the_ids_of_transformers(tmp_path: Path, kind: str, pre: str, flags: dict[str, Any]):
    bpe(*MAKERS[pre]).model.save(str(tmp_path))
    added = {str(600 + index): {"content": f"<|new{index}|>", "special": index == 0} for index in range(2)}
    named = {"bos_token": "<|begin|>", "eos_token": "<|end|>", "unk_token": "<|end|>", "pad_token": "<|pad|>"}
    config = {"tokenizer_class": kind, "added_tokens_decoder": added, **named, **flags}
    write(tmp_path, "tokenizer_config.json", config)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    same(read_folder(tmp_path), theirs, [*TEXTS, "a<|new0|>b <|new1|>", *random_texts(50)])


def metadata_of(backend: tokenizers.Tokenizer, pre: str) -> dict[str, Any]:
    model = json.loads(backend.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * len(SPECIALS) + [1] * (len(tokens) - len(SPECIALS)),
        "tokenizer.ggml.merges": [" ".join(merge) for merge in model["merges"]],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.add_bos_token": False,
    }


def test_a_gguf_vocabulary_gives_the_ids_it_was_made_from(made: tuple[str, tokenizers.Tokenizer]):
    pre, backend = made
    ours = read_gguf(metadata_of(backend, pre))
    assert ours is not None
    for text in TEXTS + random_texts(300):
        assert list(ours.encode(text).ids) == backend.encode(text).ids, text


@pytest.mark.parametrize("pre", ["gpt-2", "llama-bpe", "qwen2"])
def test_a_gguf_vocabulary_gives_the_ids_of_transformers(pre: str):
    metadata = metadata_of(bpe(*MAKERS[pre]), pre)
    names = {"model": "tokenizer_type", "pre": "pre_tokenizer_type"}
    parts = {names.get(key := name.removeprefix("tokenizer.ggml."), key): each for name, each in metadata.items()}
    parts["merges"] = list(parts["merges"])
    theirs, _ = convert_gguf_tokenizer("llama", parts)
    ours = read_gguf(metadata)
    assert ours is not None
    composed = [text for text in TEXTS + random_texts(300) if normalizers.NFC().normalize_str(text) == text]
    assert len(composed) > 100  # transformers leaves out Qwen's normalizer
    for text in composed:
        assert list(ours.encode(text).ids) == theirs.encode(text).ids, text


def test_scored_merges_give_the_ids_of_sentencepiece(tmp_path: Path):
    corpus = tmp_path / "corpus.txt"
    lines = [" ".join(text.split()) for text in TEXTS + random_texts(300) if text.split()]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(tmp_path / "m"),
        model_type="bpe",
        vocab_size=420,
        byte_fallback=True,
        character_coverage=0.98,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "m.model"))
    kinds = [
        2 if theirs.is_unknown(each) else 3 if theirs.is_control(each) else 6 if theirs.is_byte(each) else 1
        for each in range(theirs.vocab_size())
    ]
    ours = read_gguf(
        {
            "tokenizer.ggml.model": "llama",
            "tokenizer.ggml.tokens": [theirs.id_to_piece(each) for each in range(theirs.vocab_size())],
            "tokenizer.ggml.scores": [theirs.get_score(each) for each in range(theirs.vocab_size())],
            "tokenizer.ggml.token_type": kinds,
            "tokenizer.ggml.bos_token_id": theirs.bos_id(),
            "tokenizer.ggml.eos_token_id": theirs.eos_id(),
        }
    )
    assert ours is not None
    for text in TEXTS + random_texts(300):
        assert list(ours.encode(text).ids) == theirs.encode(text, add_bos=True) or text == "", text
        assert ours.decode(ours.encode(text).ids) == text


@pytest.fixture(scope="module")
def real(smollm2: Path) -> tuple[Tokenizer, Any]:
    """The real model's vocabulary, read by us and by transformers."""
    ours = read_gguf(open_gguf(smollm2).metadata)
    assert ours is not None
    return ours, AutoTokenizer.from_pretrained(smollm2.parent, gguf_file=smollm2.name)


def test_the_real_gguf_gives_the_ids_of_transformers(real: tuple[Tokenizer, Any]):
    ours, theirs = real
    # transformers forgets that this vocabulary cuts numbers into digits, which also moves the blanks before them.
    plain = [text for text in TEXTS + random_texts(500) if not any(character.isnumeric() for character in text)]
    assert len(plain) > 50
    same(ours, theirs, plain)
    assert (ours.bos, ours.pad, ours.size) == (theirs.bos_token_id, theirs.pad_token_id, len(theirs))


@pytest.mark.shared
def test_the_real_gguf_gives_the_ids_of_transformers_on_real_text(shared: Path, real: tuple[Tokenizer, Any]):
    pairs = (shared / "data/tatoeba_cmn_eng/dev.tsv").read_text(encoding="utf-8").splitlines()[1:301]
    with gzip.open(shared / "data/chinese_poetry/train.jsonl.gz", "rt", encoding="utf-8") as poems:
        verses = list(islice(poems, 300))
    same(*real, [*pairs, *verses])
