"""Loading in few bits: what is asked for is had or refused in words, and what was saved comes back to the bit."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file

import unmask
from unmask.base.errors import CheckpointError, RequestError
from unmask.checkpoints.gguf import open_gguf
from unmask.families.build import speed_format
from unmask.families.open import open_checkpoint
from unmask.quantization.convert import quantize_model
from unmask.quantization.packed import Packed
from unmask.quantization.schemes import SCHEMES

CPU = torch.device("cpu")


def same(one: unmask.Model, other: unmask.Model) -> bool:
    """Whether all their tensors are, bit for bit."""
    first, second = one.core.state_dict(), other.core.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def stored(smollm2: Path) -> unmask.Model:
    return unmask.load(smollm2, quantize="stored")


@pytest.fixture(scope="module")
def saved(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("int4")
    unmask.load(tiny_folder, quantize="int4-32-zero").save(folder)
    return folder


@pytest.fixture
def broken(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.mark.parametrize("name", ["int8", "int4"])
def test_a_load_in_few_bits_is_the_pass_over_the_exact_model(tiny_folder: Path, name: str) -> None:
    model, exact = unmask.load(tiny_folder, quantize=name), unmask.load(tiny_folder)
    count = exact.parameters
    quantize_model(exact.core, SCHEMES[name])
    assert same(model, exact)
    assert (model.dtype, model.quantization, model.parameters) == (SCHEMES[name].name,) * 2 + (count,)


def test_an_exact_load_has_no_quantization(tiny_model: unmask.Model) -> None:
    assert (tiny_model.quantization, tiny_model.dtype) == (None, "float32")


def test_stored_blocks_are_the_files_own(stored: unmask.Model, smollm2_model: unmask.Model) -> None:
    exact = dict(smollm2_model.core.named_parameters())
    for name, part in stored.core.named_modules():
        if isinstance(part, Packed):
            assert torch.equal(part.unpack(), exact[name.removesuffix(".packed") + ".weight"]), name
    assert stored.report.rounded == ()
    assert stored.quantization == "int4-32-zero+int8-32"


def test_stored_bytes_are_those_of_the_file(stored: unmask.Model, smollm2: Path) -> None:
    source = open_gguf(smollm2)
    blocks = sum(place.stop - place.start for place in source.places.values())
    assert sum(each.nbytes for each in (*stored.core.buffers(), *stored.core.parameters())) == blocks


def test_other_blocks_are_rounded_anew_and_the_report_names_them(tiny_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    unmask.load(tiny_folder).save_gguf(path, format="q8_0")
    reader = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(tmp_path / "five.gguf", "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            kind, inner = field.types[0], field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(field.name, field.contents(), kind, inner)
    for each in reader.tensors:
        values = gguf.quants.dequantize(each.data, each.tensor_type)
        five = each.name == "blk.0.ffn_down.weight"
        kind = gguf.GGMLQuantizationType.Q5_1 if five else each.tensor_type
        data = gguf.quants.quantize(values, kind) if five else each.data
        writer.add_tensor(each.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model = unmask.load(tmp_path / "five.gguf", quantize="stored")
    assert model.report.rounded == ("blk.0.ffn_down.weight",)
    assert model.quantization == "int8-32"


@pytest.mark.parametrize("name", ["int8", "int8-32", "int4-64", "int4-128-zero"])
def test_what_is_saved_comes_back_to_the_bit_without_being_told(tiny_folder: Path, tmp_path: Path, name: str) -> None:
    model = unmask.load(tiny_folder, quantize=name)
    model.save(tmp_path)
    again = unmask.load(tmp_path)
    assert same(model, again)
    assert again.quantization == name
    assert json.loads((tmp_path / "config.json").read_text())["quantization_config"]["scheme"] == name


def test_several_schemes_are_saved_with_the_matrices_that_have_them(stored: unmask.Model, tmp_path: Path) -> None:
    stored.save(tmp_path)
    assert same(stored, unmask.load(tmp_path))
    said = json.loads((tmp_path / "config.json").read_text())["quantization_config"]
    assert said["others"] == {"model.embed_tokens": "int8-32"}


def test_values_of_shared_heads_are_saved_with_their_rest(tiny_folder: Path, tmp_path: Path) -> None:
    model = unmask.load(tiny_folder, quantize="int8")
    model.save(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    stems = {name.removesuffix(".rest") for name in tensors if name.endswith(".rest")}
    assert stems == {f"model.layers.{layer}.self_attn.v_proj" for layer in range(len(model.core.blocks))}
    for stem in stems:
        (codes, rest), scales = (
            (tensors[stem + each].float() - 128 for each in (".codes", ".rest")),
            tensors[stem + ".scales"],
        )
        value = model.core.get_submodule(
            stem.replace("model.layers", "blocks").replace("self_attn.v_proj", "attention.value")
        )
        width = value.packed.width
        exact = (codes * scales.float() + rest * (scales / 256).float())[:, :width]
        assert torch.equal(exact, value.packed.unpack())


def test_a_folder_saved_before_there_were_rests_is_read_without(tiny_folder: Path, tmp_path: Path) -> None:
    model = unmask.load(tiny_folder, quantize="int8")
    model.save(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    save_file(
        {name: each for name, each in tensors.items() if not name.endswith(".rest")}, tmp_path / "model.safetensors"
    )
    state, wanted = unmask.load(tmp_path).core.state_dict(), model.core.state_dict()
    assert {name for name in wanted if name not in state} == {name for name in wanted if name.endswith(".rest")}
    assert all(torch.equal(each, wanted[name]) for name, each in state.items())


def test_a_rest_of_another_form_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    unmask.load(tiny_folder, quantize="int8").save(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    name = "model.layers.0.self_attn.v_proj.rest"
    save_file(tensors | {name: tensors[name][1:].contiguous()}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"v_proj\.rest' must be U8 of shape"):
        unmask.load(tmp_path)


def test_saved_codes_are_rows_with_the_first_column_in_the_low_half(saved: Path) -> None:
    tensors = load_file(saved / "model.safetensors")
    stem = "model.layers.0.self_attn.k_proj"
    packed = unmask.load(saved).core.blocks[0].attention.key.packed
    codes = torch.stack((tensors[f"{stem}.codes"] & 15, tensors[f"{stem}.codes"] >> 4), dim=-1).flatten(1)
    scales, minima = (tensors[stem + each].float().repeat_interleave(32, 1) for each in (".scales", ".minima"))
    assert torch.equal((codes * scales + minima)[:, : packed.width], packed.unpack())


def test_an_encoder_can_be_loaded_in_few_bits_and_saved(encoder_folder: Path, tmp_path: Path) -> None:
    model = unmask.load(encoder_folder, quantize="int8-32")
    model.save(tmp_path)
    again = unmask.load(tmp_path)
    assert same(model, again)
    exact = unmask.load(encoder_folder).embed("Some words.")
    assert torch.cosine_similarity(again.embed("Some words."), exact, dim=0) > 0.99


def test_what_cannot_go_together_is_refused(tiny_folder: Path, saved: Path) -> None:
    with pytest.raises(RequestError, match="dtype bfloat16 was asked for"):
        unmask.load(tiny_folder, dtype="bfloat16", quantize="int8")
    with pytest.raises(RequestError, match="dtype float16 was asked for"):
        unmask.load(saved, dtype="float16")
    with pytest.raises(RequestError, match=f"{re.escape(str(saved))} is quantized already, as int4-32-zero"):
        unmask.load(saved, quantize="int8")
    with pytest.raises(RequestError, match=f"{re.escape(str(tiny_folder))} stores no blocks .* --quantize int8"):
        unmask.load(tiny_folder, quantize="stored")
    with pytest.raises(RequestError, match="Unknown quantization 'int5'.* Did you mean 'int"):
        unmask.load(tiny_folder, quantize="int5")
    assert unmask.load(saved, quantize="stored").quantization == "int4-32-zero"


def test_a_quantized_model_is_not_written_as_gguf(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is quantized as int4-32-zero, and a GGUF file is made of exact weights"):
        unmask.load(saved).save_gguf(tmp_path / "model.gguf")


def test_weights_quantized_by_others_are_refused_by_name(broken: Path) -> None:
    config = json.loads((broken / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="quantized by 'gptq', which is not read"):
        unmask.load(broken)


@pytest.mark.parametrize(
    ("ending", "change", "message"),
    [
        (".codes", lambda each: each[:, 1:], r"\.codes' must be U8 of shape \[\d+, \d+\] .* has U8"),
        (".scales", lambda each: each.float(), r"\.scales' must be F16 of shape .* the file has F32"),
        (".minima", None, r"\.minima' must be F16 of shape .* the file has -\."),
    ],
)
def test_codes_of_another_form_are_refused(broken: Path, ending: str, change, message: str) -> None:
    tensors = load_file(broken / "model.safetensors")
    name = f"model.layers.0.mlp.up_proj{ending}"
    value = tensors.pop(name)
    if change is not None:
        tensors[name] = change(value).contiguous()
    save_file(tensors, broken / "model.safetensors")
    with pytest.raises(CheckpointError, match=message):
        unmask.load(broken)


def test_speed_is_8_bits_for_models_that_write_exactly(
    smollm2: Path, tiny_folder: Path, encoder_folder: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmask.families.build.library", lambda: object())
    found = [speed_format(open_checkpoint(path), CPU) for path in (smollm2, tiny_folder, encoder_folder, saved)]
    assert found == ["int8", "int8", None, None]
    assert speed_format(open_checkpoint(tiny_folder), torch.device("cuda")) is None
    monkeypatch.setattr("unmask.families.build.library", lambda: None)
    assert speed_format(open_checkpoint(smollm2), CPU) is None
