"""Text to packed shards (MB/s) against the tokenizer library alone, on the same text and cores.

    python bench/shards.py [--rounds 5] [--kinds bytes wordpiece unigram bpe] [--language en] [--texts FILE]

Ours reads a .jsonl file, cleans its documents, leaves duplicates out, spells them and writes shards with checksums. The
peer has the texts in memory and only spells them: `tokenizers` for vocabularies of 16k learnt here (bytes, wordpiece),
`sentencepiece` for models of 16k that it learns here (unigram, bpe), as LLaMA's: text as it is, bytes for what is rare.
FILE has a text a line; without one, texts are those of the shared data. Both vocabularies are learnt once and kept.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.paired import ROOT, compare, record

VOCAB = 16_000
PEERS = {"bytes": "tokenizers", "wordpiece": "tokenizers", "unigram": "sentencepiece", "bpe": "sentencepiece"}
SOURCES = {
    "en": ("gutenberg_en/*", "wiki_c4_en/*", "squad_v1/train*", "race/train*", "lambada/dev*"),
    "zh": ("modern_zh_books/*", "cmrc2018/train*", "drcd/train*"),
}
FIELDS = ("context", "article", "text")


def texts_of(language: str, path: str | None) -> list[str]:
    """Different texts: the lines of a file, else paragraphs and passages of the shared data."""
    if path is not None:
        found: Iterator[str] = iter(Path(path).read_text(encoding="utf-8").splitlines())
    else:
        data = Path(os.environ.get("UNMASK_SHARED", ROOT.parent / "shared")) / "data"
        files = [file for pattern in SOURCES[language] for file in sorted(data.glob(f"{pattern}.gz"))]
        found = (text for file in files for text in passages(file))
    return [text for text in dict.fromkeys(found) if text.strip()]


def passages(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        if ".jsonl" in file.name:
            for line in stream:
                row = json.loads(line)
                yield from (row[field] for field in FIELDS if isinstance(row.get(field), str))
        else:
            yield from stream.read().split("\n\n")


def vocabulary(kind: str, folder: Path, texts: Sequence[str]) -> None:
    """Learn `folder`'s vocabulary, if it is not there."""
    from unmask.text.save import write_folder
    from unmask.text.train import learn

    if PEERS[kind] == "tokenizers":
        if not (folder / "tokenizer.json").exists():
            write_folder(learn(kind, texts, vocab=VOCAB), None, folder)
        return
    if not (folder / "tokenizer.model").exists():
        import sentencepiece

        folder.mkdir(parents=True, exist_ok=True)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(line for text in texts for line in text.split("\n")),
            model_prefix=str(folder / "tokenizer"),
            vocab_size=VOCAB,
            model_type=kind,
            byte_fallback=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            minloglevel=2,
        )
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')


def ours(folder: Path, file: Path) -> float:
    """Seconds from a file of texts to a corpus."""
    from unmask.data.documents import read
    from unmask.data.shards import prepare
    from unmask.data.sifting import USUAL
    from unmask.text.formats import read_folder

    tokenizer = read_folder(folder)
    assert tokenizer is not None
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        prepare(read(file), tokenizer, Path(place) / "corpus", replace(USUAL, validation=0.01))
        return time.perf_counter() - began


def theirs(kind: str, folder: Path, texts: list[str]) -> float:
    """Seconds from texts to ids."""
    if PEERS[kind] == "tokenizers":
        import tokenizers

        library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        began = time.perf_counter()
        library.encode_batch(texts, add_special_tokens=False)
    else:
        import sentencepiece

        model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        began = time.perf_counter()
        model.encode(texts, num_threads=os.cpu_count())
    return time.perf_counter() - began


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--kinds", nargs="+", choices=list(PEERS), default=["bytes", "wordpiece", "unigram", "bpe"])
    options.add_argument("--language", choices=list(SOURCES), default="en")
    options.add_argument("--texts")
    options.add_argument("--work", nargs=4, metavar=("SIDE", "KIND", "FOLDER", "FILE"))
    given = options.parse_args()
    if given.work:
        side, kind, folder, file = given.work
        texts = [json.loads(line)["text"] for line in Path(file).read_text("utf-8").split("\n") if line]
        took = ours(Path(folder), Path(file)) if side == "ours" else theirs(kind, Path(folder), texts)
        size = sum(len(text.encode()) for text in texts)
        print(json.dumps({"text_to_shards_mb_s": size / 1e6 / took}))
        return
    from unmask.base.files import home

    kept = home() / "bench" / "shards" / (given.language if given.texts is None else Path(given.texts).stem)
    texts = texts_of(given.language, given.texts)
    for kind in given.kinds:
        vocabulary(kind, kept / kind, texts)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "texts.jsonl"
        file.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), "utf-8")
        for kind in given.kinds:
            command = [sys.executable, __file__, "--work"]
            arguments = [kind, str(kept / kind), str(file)]
            figures = compare(
                [*command, "ours", *arguments],
                [*command, "theirs", *arguments],
                rounds=given.rounds,
                larger_is_better={"text_to_shards_mb_s": True},
            )
            record(
                figures,
                model=f"{kind}-16k-{given.language}",
                dtype="-",
                peer=PEERS[kind],
                version=version(PEERS[kind]),
                command=f"python bench/shards.py --rounds {given.rounds} --kinds {kind} --language {given.language}",
                threads=os.cpu_count() or 1,
            )


if __name__ == "__main__":
    main()
