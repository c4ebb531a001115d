"""What attention brought to translation, learnt anew: hours of `make slow`, since each system has 20 CPU minutes.

`UNMASK_MINUTES` is how many instead; `UNMASK_ROWS` names a file that the table is added to (results/quality.tsv).
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINUTES = os.environ.get("UNMASK_MINUTES", "20")


def bench(*words: str | Path) -> None:
    subprocess.run([sys.executable, ROOT / "bench" / "translation.py", *words], check=True, cwd=ROOT)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("chosen", ["multi30k", "tatoeba"])
def test_attention_beats_one_vector_and_ours_keeps_up_with_the_peer(chosen: str, shared: Path, tmp_path: Path):
    rows = Path(os.environ.get("UNMASK_ROWS", tmp_path / "rows.tsv"))
    bench("learn", chosen, tmp_path, "--minutes", MINUTES)
    bench("table", chosen, tmp_path, "--rows", rows)
    with rows.open(newline="") as stream:
        found = [row for row in csv.reader(stream, delimiter="\t") if "beam" in row[4] and chosen in row[5]]
    bleu = {row[5].partition(",")[0]: float(row[7]) for row in found}
    assert bleu["attending rnn"] > 1.3 * bleu["rnn"]
    assert bleu["transformer"] > 0.9 * bleu["peer"]
