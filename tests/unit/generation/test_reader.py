from __future__ import annotations

import pytest

import unmask
from unmask.generation.reader import Reader


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("/home/somebody/models/qwen", "qwen"),
        ("./model.gguf", "model.gguf"),
        ("~/models/qwen", "qwen"),
        ("owner/name", "owner/name"),
        ("smollm2:135m", "smollm2:135m"),
    ],
)
def test_a_page_names_no_folder_of_this_machine(tiny_model: unmask.Model, name: str, title: str):
    assert Reader(name, tiny_model.spec, None, None).title == title
