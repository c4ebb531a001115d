"""The memory plan against sizes counted by hand, and against a process that does what was planned."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import unmask
from unmask.base.errors import RequestError
from unmask.checkpoints.ggml import FORMATS, dequantize
from unmask.families import memory
from unmask.families.memory import Plan, plan
from unmask.families.open import open_checkpoint
from unmask.quantization.census import nbytes

CPU = torch.device("cpu")


def planned(path: Path, dtype: torch.dtype = torch.float32, *, context: int = 100, users: int = 1) -> Plan:
    return plan(open_checkpoint(path), dtype=dtype, device=CPU, context=context, users=users, runtime=0)


def test_weights_and_cache_are_those_of_the_published_sizes(smollm2: Path) -> None:
    found = planned(smollm2, torch.bfloat16, context=1000, users=3)
    assert found.weights == 134_515_008 * 2
    assert found.cache == 3 * 1000 * 30 * 2 * 3 * 64 * 2  # rows, tokens, layers, keys and values, heads, width, bytes


def test_a_file_without_conversion_is_the_weights_themselves(tiny_folder: Path) -> None:
    found = planned(tiny_folder)
    assert (found.file, found.loading) == (0, found.weights)


def test_a_converted_file_is_held_beside_the_weights_only_while_loading(tiny_folder: Path) -> None:
    stored, found = planned(tiny_folder).weights, planned(tiny_folder, torch.bfloat16)
    assert (found.file, found.weights) == (0, stored // 2)
    assert stored + stored // 2 <= found.loading < 2 * stored


def test_a_gguf_file_of_blocks_is_given_back_once_it_is_read(smollm2: Path) -> None:
    assert planned(smollm2).file == 0
    assert planned(smollm2, torch.bfloat16).file == 0


@pytest.mark.parametrize("name", ["stored", "int8", "int4"])
def test_few_bits_are_planned_as_they_are_held(smollm2: Path, name: str) -> None:
    model = unmask.load(smollm2, quantize=name)
    found = plan(open_checkpoint(smollm2), dtype=None, device=CPU, context=100, users=1, runtime=0, quantize=name)
    cache = model.core.cache(batch=1, capacity=100)
    assert (found.dtype, found.weights) == (model.dtype, nbytes(model.core))
    assert found.cache == sum(each.nbytes for each in (*cache.keys, *cache.values))
    # The float embedding alone would be 113 MB.
    assert found.weights < found.loading < found.weights + 80e6


def test_cache_and_work_grow_with_the_context_and_work_is_that_of_one_layer(smollm2: Path) -> None:
    short, long = planned(smollm2, context=500), planned(smollm2, context=1000)
    assert long.cache == 2 * short.cache
    assert short.work < long.work < 2.1 * short.work
    assert long.work < 30 * 1000 * 1536 * 4  # less than one feed-forward tensor a layer


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_can_be_unpacked_without_memory(format_name: str) -> None:
    block = FORMATS[format_name]
    data = torch.empty(4 * block.size, dtype=torch.uint8, device="meta")
    assert dequantize(data, format_name).shape == (4 * block.length,)


def test_the_longest_context_that_fits_is_found(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = planned(tiny_folder, context=1234).total
    monkeypatch.setattr(memory, "free_memory", lambda _: wanted)
    found = planned(tiny_folder, context=4000)
    assert (found.fits, found.longest) == (False, 1234)
    assert planned(tiny_folder, context=1234).fits
    monkeypatch.setattr(memory, "free_memory", lambda _: 0)
    assert planned(tiny_folder, context=4000).longest is None


def test_where_nothing_is_known_of_free_memory_nothing_is_said(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: None)
    found = planned(tiny_folder)
    assert (found.fits, found.longest) == (None, None)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"context": 5000}, "context is 5000; it must be from 1 to 4096"),
        ({"context": 0}, "context is 0"),
        ({"users": 1 << 17}, "users is 131072; it must be from 1 to 65536"),
    ],
)
def test_sizes_out_of_range_are_refused(tiny_folder: Path, sizes: dict[str, int], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        planned(tiny_folder, **sizes)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process")
def test_the_plan_is_within_a_tenth_of_what_a_process_takes(smollm2: Path) -> None:
    sizes = ("--context", "400", "--dtype", "float32")
    shown = [sys.executable, "-m", "unmask", "show", str(smollm2), "--memory", "--json", *sizes]
    total = json.loads(subprocess.run(shown, capture_output=True, check=True).stdout)["plans"][0]["total"]
    source = (
        "import sys, unmask\n"
        "from pathlib import Path\n"
        "model = unmask.load(sys.argv[1], dtype='float32')\n"
        "prompt = 'A cat sat on the mat. ' * 100\n"
        "ids = model.tokenizer.encode(prompt).ids[:392]\n"
        "model.generate(model.tokenizer.decode(ids), limit=8)\n"
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(int(line.split()[1]) << 10 for line in lines if line.startswith('VmHWM')))"
    )
    peak = int(subprocess.run([sys.executable, "-c", source, smollm2], capture_output=True, check=True).stdout)
    assert total == pytest.approx(peak, rel=0.1)
