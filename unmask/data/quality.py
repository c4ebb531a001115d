"""Which of many texts are like good ones: a classifier, learnt from good and bad examples, that decides by chance.

Source: GPT-3 (Brown et al. 2020), appendix A: logistic regression over hashed words tells crawled pages from chosen
texts; a page stays if a draw from a Pareto distribution is above 1 - its score, so that some unlikely ones do, too.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, sha256
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from unmask.base.errors import DataError
from unmask.base.files import atomic
from unmask.base.streams import stream
from unmask.text.words import units

EPOCHS, RATE = 10, 0.5
Features = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Which features a text has, and how much of each."""


@dataclass(frozen=True, eq=False)
class Quality:
    """A classifier of texts.

    Args:
        weights: float32 [features].
        bias: what a text without features scores by.
        alpha: of the Pareto distribution; the larger, the fewer unlikely texts stay.
    """

    weights: NDArray[np.float32]
    bias: float
    alpha: float = 9.0

    def score(self, text: str) -> float:
        """How likely the text is a good one: 0 to 1."""
        places, values = features(text, len(self.weights))
        return logistic(float(self.weights[places] @ values) + self.bias)

    def keeps(self, text: str) -> bool:
        """Whether the text stays. The draw is made of the text: the same one is always kept, or never."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"quality").digest()
        uniform = (int.from_bytes(digest) + 1) / 2**64  # above 0
        return bool(uniform ** (-1 / self.alpha) - 1 > 1 - self.score(text))

    @cached_property
    def fingerprint(self) -> str:
        """Changes if a text's fate may do so."""
        return sha256(self.weights.tobytes() + repr((self.bias, self.alpha)).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write it as a `.npz` file.

        Raises:
            StorageError: if the disk is full or the place cannot be written.
        """
        with atomic(path) as file:
            np.savez_compressed(file, weights=self.weights, bias=self.bias, alpha=self.alpha)

    @classmethod
    def load(cls, path: Path) -> Quality:
        """What `save` wrote.

        Raises:
            DataError: if the file is none of those.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                weights = file["weights"].astype(np.float32)
                made = cls(weights, float(file["bias"]), float(file["alpha"]))
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise DataError(
                "{file} is no classifier of texts: {reason:.200}. Learn one from good and bad examples.",
                file=path,
                reason=str(error),
            ) from error
        return made


def learn_quality(good: Iterable[str], bad: Iterable[str], *, size: int = 1 << 18, alpha: float = 9.0) -> Quality:
    """Learn to tell `good` texts from `bad` ones; both kinds count the same, however many there are of each.

    Args:
        size: features; words beyond them share one. Each takes 4 bytes, and each word of an example 12
            while learning.
    Raises:
        DataError: if one of the two kinds is without examples.
    """
    kinds = [[features(text, size) for text in texts] for texts in (bad, good)]
    for name, texts in zip(("bad", "good"), kinds, strict=True):
        if not texts:
            raise DataError(
                "There are no {kind} examples to learn quality from. Give some texts of that kind.", kind=name
            )
    examples = [(each, kind, 1 / len(texts)) for kind, texts in enumerate(kinds) for each in texts]
    largest = max(weight for _, _, weight in examples)
    weights, squares = np.zeros(size, np.float32), np.full(size, 1e-2, np.float32)
    bias, bias_square = 0.0, 1e-2
    for epoch in range(EPOCHS):
        for at in stream(0, "quality", epoch).permutation(len(examples)):
            (places, values), kind, weight = examples[at]
            error = (kind - logistic(float(weights[places] @ values) + bias)) * weight / largest
            # AdaGrad (Duchi et al. 2011): rare words move as far as common ones.
            step = error * values
            squares[places] += step**2
            weights[places] += RATE * step / np.sqrt(squares[places])
            bias_square += error**2
            bias += RATE * error / bias_square**0.5
    return Quality(weights, float(bias), alpha)


def features(text: str, size: int) -> Features:
    """Words and pairs of them, hashed, each by the logarithm of how often it is there; of length 1 as a vector."""
    words = units(text.casefold())
    hashed = [crc32(" ".join(pair).encode("utf-8", "surrogatepass")) for pair in pairwise(words)]
    hashed += [crc32(word.encode("utf-8", "surrogatepass")) for word in words]
    places, counts = np.unique(np.array(hashed, np.int64) % size, return_counts=True)
    values = np.log1p(counts).astype(np.float32)
    return places, values / max(float(np.linalg.norm(values)), 1.0)


def logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -30, 30))))
