"""The compiled library as Python sees it: which kernels are taken, and who may use it when."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.lowered import compiled_library
from unmask.base.errors import RequestError
from unmask.native.library import KERNELS, SWITCH, Library, describe, library
from unmask.native.matrix import Matrix
from unmask.native.program import Step
from unmask.quantization.packed import Packed
from unmask.quantization.products import multiply
from unmask.quantization.rounding import quantize
from unmask.quantization.schemes import SCHEMES

ROOT = Path(__file__).parents[3]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """The library with the best kernels; whichever the test chooses, they are chosen again."""
    monkeypatch.delenv(SWITCH, raising=False)
    found = compiled_library()
    best = found.kernels
    yield found
    found.functions.library_choose(best.encode())


def packed(scheme: str = "int4-32", rows: int = 50, width: int = 96) -> Packed:
    return quantize(torch.randn(rows, width), SCHEMES[scheme])


def close(ours: Tensor, theirs: Tensor) -> None:
    """Sums in another order."""
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)


def test_there_is_one_library_with_as_many_threads_as_torch(found: Library):
    assert library() is found
    assert found.threads == torch.get_num_threads()


def test_the_switch_turns_it_off(found: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SWITCH, "off")
    assert library() is None


@pytest.mark.parametrize("name", KERNELS)
def test_the_switch_chooses_kernels_which_all_give_the_twins_numbers(
    found: Library, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv(SWITCH, name)
    if not found.functions.library_choose(name.encode()):
        assert name != "portable"
        with pytest.raises(RequestError, match=f"{SWITCH} is '{name}'"):
            library()
        return
    chosen = library()
    assert chosen is not None
    assert chosen.kernels == name
    x = torch.randn(23, 96)
    for scheme in ("int8", "int4-32-zero"):
        weights = packed(scheme)
        close(weights.matrix.multiply(chosen, x), multiply(weights, x, None))


def test_other_words_are_refused_with_those_that_it_knows(found: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SWITCH, "fast")
    with pytest.raises(RequestError) as caught:
        library()
    assert str(caught.value) == (
        "UNMASK_NATIVE is 'fast'; it may be amx-int8, avx512-vnni, avx2-vnni, avx2, portable, as far as this processor "
        "has them, or off."
    )


def test_it_says_which_path_is_taken(found: Library, monkeypatch: pytest.MonkeyPatch):
    assert describe() == f"native ({found.kernels}, {found.threads} threads)"
    monkeypatch.setenv("UNMASK_LANG", "zh")
    assert describe() == f"本机代码（{found.kernels}，{found.threads} 个线程）"
    monkeypatch.setenv(SWITCH, "off")
    assert describe() == "PyTorch（编译好的库已被 UNMASK_NATIVE 关闭）"
    monkeypatch.setenv("UNMASK_LANG", "en")
    assert describe() == "PyTorch (the compiled library is switched off by UNMASK_NATIVE)"


def test_python_threads_take_turns(found: Library):
    """Each with its own matrix and inputs: a thread that wrote into another's product would be seen."""
    jobs = [(packed(rows=16 * number + 16), torch.randn(number % 3 + 1, 96)) for number in range(8)]
    expected = [multiply(weights, x, None) for weights, x in jobs]

    def work(number: int) -> list[Tensor]:
        weights, x = jobs[number]
        return [weights.matrix.multiply(found, x) for _ in range(50)]

    with ThreadPoolExecutor(len(jobs)) as threads:
        for products, wanted in zip(threads.map(work, range(len(jobs))), expected, strict=True):
            for product in products:
                close(product, wanted)


FORKED = """
import os, sys, torch
from unmask.families.llama import LlamaSize, llama
from unmask.core.positions import Rotary
from unmask.lowering.shortcut import shorten
from unmask.native.library import library
from unmask.quantization.convert import quantize_model
from unmask.quantization.schemes import SCHEMES

torch.set_num_threads(2)
assert library().threads == 2
torch.set_num_threads(1)  # torch's own threads do not outlive a fork
size = LlamaSize(width=32, depth=2, heads=4, kv_heads=2, hidden=48, vocab=60, context=64, norm_eps=1e-5,
                 rotary=Rotary(width=8), tied=True)
model = llama(size).build().eval()
quantize_model(model, SCHEMES["int8"])
shorten(model)
linear, x, tokens = model.blocks[0].attention.query, torch.randn(3, 32), torch.arange(9)[None]

@torch.inference_mode()
def said():
    return linear(x), model.logits(tokens, cache=model.cache(batch=1, capacity=9))

before = said()
child = os.fork()
if child == 0:
    product, logits = said()
    equal, near = torch.equal(product, before[0]), torch.allclose(logits, before[1], atol=0.1)  # codes may move
    print(equal, near, library().threads, flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_has_threads_of_its_own(found: Library):
    done = subprocess.run([sys.executable, "-c", FORKED], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("True True 1\n", 0), done.stderr


def test_ids_are_read_whatever_integers_they_are(found: Library):
    weights = packed()
    ids = torch.tensor([[3, 49], [0, 3]])
    close(weights.matrix.take(found, ids.int()), weights.unpack()[ids])
    close(weights.matrix.take(found, ids.t()), weights.unpack()[ids.t()])


@pytest.mark.parametrize("wrong", [-1, 50])
def test_rows_that_there_are_not_are_never_read(found: Library, wrong: int):
    with pytest.raises(IndexError, match="for a table of"):
        packed().matrix.take(found, torch.tensor([1, wrong]))


def test_a_matrix_that_lies_otherwise_than_the_library_reads_it_is_refused():
    weights = packed()
    sizes = {"rows": 50, "width": 96, "group": 32, "bits": 4, "fine": False}
    with pytest.raises(AssertionError, match="one after the other"):
        Matrix(weights.codes.t().contiguous().t(), weights.scales, None, **sizes)
    with pytest.raises(AssertionError, match="16 padded rows"):
        Matrix(weights.codes[:-1], weights.scales, None, **sizes)
    with pytest.raises(AssertionError, match="processor's memory"):
        Matrix(weights.codes.to("meta"), weights.scales, None, **sizes)


def test_a_step_reads_float32_from_end_to_end():
    table = torch.randn(4, 6)
    with pytest.raises(AssertionError, match="bias is read as float32"):
        Step(0, bias=table.half())
    with pytest.raises(AssertionError, match="weight is read from end to end"):
        Step(0, weight=table.t())
