"""How well a translator translates while it learns: BLEU and chrF of the validation text, in the run's log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from unmask.base.files import storage_errors
from unmask.evaluation.translation import Scores, sacrebleu, scores
from unmask.families.seq2seq import LoadedSeq2Seq
from unmask.generation.rendering import Manner
from unmask.generation.search import Search
from unmask.generation.translate import translate as translated
from unmask.recipes.pairs import Pairs
from unmask.training.hooks import Hook
from unmask.training.logs import LOG
from unmask.training.run import Run

SHOWN = 3
"""Pairs that are shown."""


class Judged(Hook):
    """Appends {"step", "scores"} to log.jsonl after each look at the validation text.

    Args:
        held: the validation text, the first `pairs` of which are translated; 0 scores nothing.
        language: of what is written.
        length: the most tokens of a row.
    Raises:
        MissingExtra: if there is something to score, and sacrebleu is not installed; before anything is learnt in vain.
    """

    def __init__(self, loaded: LoadedSeq2Seq, held: Pairs, *, pairs: int, language: str, length: int) -> None:
        self.loaded, self.held = loaded, held
        self.pairs, self.language, self.length = pairs, language, length
        if pairs:
            sacrebleu()

    def evaluated(self, run: Run, values: Mapping[str, float]) -> None:
        if run.processes.sharded or not self.pairs:  # each holds a part of the weights, and only the first is here
            return
        path, found = run.folder / LOG, self.scores(self.pairs, beams=1)
        with storage_errors(path), path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": run.step, "scores": rounded(found)}) + "\n")

    def scores(self, pairs: int | None, *, beams: int) -> Scores:
        """Of the first `pairs` of the validation text; None is all."""
        said = self.translations(self.held.sources[:pairs], beams=beams)
        return scores(said, self.held.targets[:pairs], language=self.language)

    def sample(self) -> list[str]:
        """The first pairs, and what the model makes of them."""
        texts = zip(
            self.held.sources, self.translations(self.held.sources[:SHOWN], beams=1), self.held.targets, strict=False
        )
        return [f"{source}\n    {said}\n    ({target})" for source, said, target in texts]

    def translations(self, texts: Sequence[str], *, beams: int) -> list[str]:
        """The likeliest translation of each; without text there is none."""
        loaded = self.loaded
        assert loaded.source is not None
        assert loaded.target is not None
        assert loaded.start is not None
        end = min(loaded.ends)
        rows = [[*row[: self.length - 1], end] for row in loaded.source.rows(texts, special=False)]
        manner = Manner(start=loaded.start, ends=loaded.ends, never=loaded.never)
        found = translated(loaded.model, rows, Search(beams=beams), manner, loaded.target)
        return [each[0].text for each in found]


def rounded(found: Scores) -> dict[str, float]:
    return {"bleu": round(found.bleu, 2), "chrf": round(found.chrf, 2)}
