"""The encoder-decoders that folders of the Hub's layout may hold; one line here makes one known to `load_seq2seq`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unmask.checkpoints.rules import Rules
from unmask.core.recurrent import Recurrent, RecurrentSpec
from unmask.core.seq2seq import Seq2Seq, Seq2SeqSpec
from unmask.families import marian, pegasus, rnn, t5, t5_rules
from unmask.families.fields import Fields

PairSpec = Seq2SeqSpec | RecurrentSpec
PairModel = Seq2Seq | Recurrent


@dataclass(frozen=True)
class Layout:
    """How a family's sizes are read from config.json and written there, and what its tensors are called.

    A family has a kind of spec of its own: what `spec` gives, the two others take.
    """

    spec: Callable[[Fields], Any]
    metadata: Callable[[Any], dict[str, object]]
    rules: Callable[[Any], Rules]


LAYOUTS: Mapping[str, Layout] = {
    marian.NAME: Layout(marian.from_hub, marian.to_hub, marian.hub_rules),
    pegasus.NAME: Layout(pegasus.from_hub, pegasus.to_hub, pegasus.hub_rules),
    t5.NAME: Layout(t5.from_hub, t5.to_hub, t5_rules.hub_rules),
    rnn.NAME: Layout(rnn.from_hub, rnn.to_hub, rnn.hub_rules),
}
"""By model_type."""
