"""Whether one text follows another: what BERT's pre-training on pairs of sentences taught."""

from __future__ import annotations

import torch

from unmask.base.errors import RequestError
from unmask.core.transformer import Transformer
from unmask.text.tokenizer import Encoding


@torch.inference_mode()
def follows(core: Transformer, encoding: Encoding) -> float:
    """How likely the second text of an encoded pair follows the first. Source: see `core.heads.SummarySpec`.

    Raises:
        RequestError: if the model was not trained on that.
    """
    if core.summary is None or core.summary.classes is None:
        raise RequestError("This model has no head that judges pairs of sentences. Choose one such as BERT.")
    device = core.device
    ids, segments = (torch.tensor([each], device=device) for each in (encoding.ids, encoding.segments))
    scores = core.summary.classes(core.summary(core(ids, segments=segments)))
    return float(scores.float().softmax(dim=-1)[0, 0])
