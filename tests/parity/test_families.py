"""Every family against transformers on random tiny models, saved by transformers and loaded by us."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import transformers
from tokenizers import Tokenizer as HubTokenizer
from tokenizers import models
from torch import Tensor, nn

import unmask
from tests.tiny_encoder import write_tokenizer
from tests.watched import check_weights
from unmask.base.errors import ArchitectureError, SpecError
from unmask.core.masks import LeftPadding, RightPadding
from unmask.core.trace import Watch, trace
from unmask.families import FAMILIES
from unmask.families.save_gguf import save_gguf
from unmask.generation.answer import Answer, Order
from unmask.generation.generate import generate
from unmask.generation.sampling import Sampling
from unmask.text.formats import read_folder
from unmask.text.tokenizer import Tokenizer

VOCAB, LENGTH = 97, 40
COMMON = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {"rope_type": "yarn", "rope_theta": 1000.0, "factor": 4.0, "original_max_position_embeddings": 16}
LINEAR = {"rope_type": "linear", "rope_theta": 1000.0, "factor": 2.0}
GPT2 = {
    "vocab_size": VOCAB,
    "n_embd": 32,
    "n_layer": 3,
    "n_head": 4,
    "n_positions": 64,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
GPT_NEO = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_layers": 3,
    "num_heads": 4,
    "max_position_embeddings": 64,
    "attention_types": [[["global", "local"], 1], [["local"], 1]],
    "window_size": 5,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
CASES: dict[str, tuple[str, dict[str, object]]] = {
    "gpt1": ("OpenAIGPT", GPT2),
    "gpt1 with silu": ("OpenAIGPT", GPT2 | {"afn": "silu"}),
    "gpt2": ("GPT2", GPT2),
    "gpt2 untied, relu, narrow": (
        "GPT2",
        GPT2 | {"tie_word_embeddings": False, "activation_function": "relu", "n_inner": 48},
    ),
    "gpt2 scaled by layer": ("GPT2", GPT2 | {"scale_attn_by_inverse_layer_idx": True}),
    "gpt3, windows in turn": ("GPTNeo", GPT_NEO),
    "gpt3, narrow, relu": ("GPTNeo", GPT_NEO | {"intermediate_size": 48, "activation_function": "relu"}),
    "llama grouped": ("Llama", COMMON),
    "llama full heads": ("Llama", COMMON | {"num_key_value_heads": 4, "tie_word_embeddings": True}),
    "llama multi-query": ("Llama", COMMON | {"num_key_value_heads": 1, "head_dim": 16}),
    "llama with biases": ("Llama", COMMON | {"attention_bias": True, "mlp_bias": True}),
    "llama 3 scaling": ("Llama", COMMON | {"rope_parameters": LLAMA3}),
    "llama yarn scaling": ("Llama", COMMON | {"rope_parameters": YARN}),
    "llama linear scaling": ("Llama", COMMON | {"rope_parameters": LINEAR}),
    "mistral, window": ("Mistral", COMMON | {"sliding_window": 6}),
    "mistral, window wider than the row": ("Mistral", COMMON | {"sliding_window": 50}),
    "mistral without window": ("Mistral", COMMON | {"sliding_window": None, "head_dim": 16}),
    "qwen2": ("Qwen2", COMMON),
    "qwen2 with windows": (
        "Qwen2",
        COMMON | {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1},
    ),
    "qwen3": ("Qwen3", COMMON | {"head_dim": 16, "tie_word_embeddings": True}),
    "qwen3 with biases": ("Qwen3", COMMON | {"head_dim": 8, "attention_bias": True}),
}
# What GGUF cannot say.
REFUSED = {
    "gpt1": "no architecture for gpt1",
    "gpt1 with silu": "no architecture for gpt1",
    "gpt3, windows in turn": "no architecture for gpt3",
    "gpt3, narrow, relu": "no architecture for gpt3",
    "gpt2 untied, relu, narrow": "gpt2 has no way to say .* another activation than gelu_tanh",
    "gpt2 scaled by layer": "gpt2 has no way to say .* scores scaled by layer",
    "qwen3 with biases": "qwen3 has no way to say .* attention with a bias",
}


def close(ours: Tensor, theirs: Tensor, tolerance: float = 1e-5) -> None:
    """Relative to the largest value: float32 rounding of sums in another order stays below it."""
    difference = (ours - theirs).abs().max() / theirs.abs().max()
    assert difference < tolerance, f"relative difference {difference:.2e}"


@pytest.fixture(scope="module", params=CASES)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[unmask.Model, nn.Module, Path]:
    """(ours, theirs, folder) of one random tiny model; ours loaded from what theirs saved."""
    name, settings = CASES[request.param]
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**settings)
    theirs = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    for parameter in theirs.parameters():  # far from the usual near-zero start, where mistakes would hide
        nn.init.normal_(parameter, std=0.3)
    folder = tmp_path_factory.mktemp("model")
    theirs.save_pretrained(folder)
    return unmask.load(folder), theirs, folder


def ids(rows: int = 2, length: int = LENGTH) -> Tensor:
    return torch.randint(0, VOCAB, (rows, length), generator=torch.Generator().manual_seed(1))


def test_logits_and_hidden_states_are_equal(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    seen: list[Tensor] = []
    hooks = [block.register_forward_hook(lambda _module, _inputs, out: seen.append(out)) for block in ours.core.blocks]
    with torch.no_grad():
        wanted = theirs(ids(), output_hidden_states=True)
        close(ours.logits(ids()), wanted.logits)
        for block, state in zip(seen[:-1], wanted.hidden_states[1:-1], strict=True):
            close(block, state)
        close(ours.core(ids()), wanted.hidden_states[-1])
    for hook in hooks:
        hook.remove()


def test_watched_attention_is_that_of_eager_transformers(pair: tuple[unmask.Model, nn.Module, Path]):
    # In float64: these random weights make scores so large that their float32 rounding alone is 1e-5 of a weight.
    ours, theirs = deepcopy(pair[0].core).double(), deepcopy(pair[1]).double()
    kept = trace(ours, ids(), Watch(hidden=True))
    with torch.no_grad():
        wanted = theirs(ids(), output_attentions=True, output_hidden_states=True)
        assert torch.equal(kept.output, ours(ids()))
    check_weights(kept, wanted.attentions)
    for state, expected in zip(kept.hidden[:-1], wanted.hidden_states[:-1], strict=True):
        close(state, expected)
    hidden_from_all = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
    assert all(not weights[..., hidden_from_all].any() for weights in kept.weights.values())


def test_loss_and_gradients_are_equal(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    theirs.zero_grad()
    wanted = theirs(ids(), labels=ids()).loss
    wanted.backward()
    loss = F.cross_entropy(ours.logits(ids())[:, :-1].flatten(0, 1), ids()[:, 1:].flatten())
    ours.core.zero_grad()
    loss.backward()
    close(loss, wanted)
    family = next(each for each in FAMILIES if each.name == ours.family)
    gradients = {name: parameter.grad for name, parameter in ours.core.named_parameters()}
    given = dict(family.hub.rules(ours.spec).give(gradients))
    expected = {name: each.grad for name, each in theirs.named_parameters()}
    assert given.keys() == expected.keys()
    for name, gradient in expected.items():
        close(given[name], gradient)


def test_a_checkpoint_goes_in_and_out_bit_for_bit(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    family = next(each for each in FAMILIES if each.name == ours.family)
    given = dict(family.hub.rules(ours.spec).give(dict(ours.core.named_parameters())))
    for name, parameter in theirs.named_parameters():
        assert torch.equal(given[name], parameter), name


def test_a_saved_folder_is_the_same_model_to_transformers_and_to_us(
    pair: tuple[unmask.Model, nn.Module, Path], tmp_path: Path
):
    ours, theirs, _ = pair
    ours.save(tmp_path)
    assert unmask.load(tmp_path).spec == ours.spec
    again, info = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert type(again) is type(theirs)
    with torch.no_grad():
        assert torch.equal(again(ids()).logits, theirs(ids()).logits)


def test_a_gguf_file_of_it_is_the_same_model(
    pair: tuple[unmask.Model, nn.Module, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
):
    ours, _, _ = pair
    write_tokenizer(tmp_path)
    loaded = replace(ours.loaded, tokenizer=read_folder(tmp_path))  # GGUF wants one, and these models have none
    refused = REFUSED.get(request.node.callspec.params["pair"])
    if refused is not None:
        with pytest.raises((ArchitectureError, SpecError), match=refused):
            save_gguf(loaded, tmp_path / "model.gguf", name="tiny", format_name="f32")
        return
    assert save_gguf(loaded, tmp_path / "model.gguf", name="tiny", format_name="f32") == ()
    again = unmask.load(tmp_path / "model.gguf")
    assert again.context in (64, 6, 50, 4)  # all, or what the window sees
    row = ids()[:, : min(LENGTH, again.context)]
    with torch.no_grad():
        close(again.logits(row), ours.logits(row), tolerance=1e-6)


def test_cached_steps_equal_transformers_in_one_pass(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    cache = ours.core.cache(batch=2, capacity=LENGTH)
    with torch.no_grad():
        steps = [ours.core.logits(part, cache=cache) for part in ids().split([7, *[1] * 20, 13], dim=1)]
        close(torch.cat(steps, dim=1), theirs(ids()).logits)


def test_padding_on_either_side_changes_nothing(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    lengths = [11, LENGTH, 23]
    rows = [ids(3)[i, :length] for i, length in enumerate(lengths)]
    missing = torch.tensor([LENGTH - length for length in lengths])
    zeros = [torch.zeros(int(count), dtype=torch.int64) for count in missing]
    left = torch.stack([torch.cat([pad, row]) for pad, row in zip(zeros, rows, strict=True)])
    right = torch.stack([torch.cat([row, pad]) for pad, row in zip(zeros, rows, strict=True)])
    positions = (torch.arange(LENGTH) - missing[:, None]).clamp(min=0)
    with torch.no_grad():
        from_left = ours.core.logits(left, positions=positions, mask=ours.spec.mask & LeftPadding(missing))
        from_right = ours.core.logits(right, mask=ours.spec.mask & RightPadding(torch.tensor(lengths)))
        for i, row in enumerate(rows):
            wanted = theirs(row[None]).logits[0]
            close(from_left[i, LENGTH - len(row) :], wanted)
            close(from_right[i, : len(row)], wanted)


def numbers() -> Tokenizer:
    """A vocabulary that spells id 7 as "7": these models have no text of their own."""
    words = models.WordLevel({str(i): i for i in range(VOCAB)}, unk_token="0")
    return Tokenizer(HubTokenizer(words), bos=None, pad=None, ends=frozenset(), specials={})


def greedy(theirs: nn.Module, row: Tensor, count: int) -> list[int]:
    """Ten lines of their own model in a loop: no generate(), no cache."""
    for _ in range(count):
        row = torch.cat([row, theirs(row[None]).logits[0, -1].argmax()[None]])
    return row[-count:].tolist()


def test_greedy_continuations_of_a_mixed_batch_equal_one_by_one(pair: tuple[unmask.Model, nn.Module, Path]):
    ours, theirs, _ = pair
    prompts = [ids(3)[0, :5], ids(3)[1, :17], ids(3)[2, :9]]
    answers = [
        Answer(
            Order(tuple(prompt.tolist()), Sampling(), limit=12),
            numbers(),
            context=ours.context,
            vocab=VOCAB,
            device=torch.device("cpu"),
        )
        for prompt in prompts
    ]
    for _ in generate(ours.core, answers):
        pass
    with torch.no_grad():
        assert [answer.tokens for answer in answers] == [greedy(theirs, prompt, 12) for prompt in prompts]
