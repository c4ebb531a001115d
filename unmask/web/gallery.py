"""Prompts to start with, such as a small model can do something with."""

from __future__ import annotations

from unmask.base.language import translate


def gallery(tongue: str) -> list[dict[str, str]]:
    """Cards of the chat component: the group on the first line, the prompt below."""
    prompts = (
        (translate("Ask", tongue), translate("What is the capital of France?", tongue)),
        (translate("Ask", tongue), translate("Name three animals that live in the sea.", tongue)),
        (translate("Ask", tongue), translate("What should I pack for a weekend in the mountains?", tongue)),
        (translate("Write", tongue), translate("Write a short poem about the sea.", tongue)),
        (translate("Write", tongue), translate("Write a birthday greeting for a friend who loves cats.", tongue)),
        (translate("Write", tongue), translate("Begin a story in which a lamp learns to speak.", tongue)),
        (translate("Explain", tongue), translate("Explain in two sentences why the sky is blue.", tongue)),
        (translate("Explain", tongue), translate("Explain to a child what a computer does.", tongue)),
        (translate("Translate", tongue), translate("Translate into French: Good morning, my friend.", tongue)),
        (translate("Translate", tongue), translate("Translate into Chinese: I like tea.", tongue)),
        (translate("Code", tongue), translate("Write a Python function that adds two numbers.", tongue)),
        (translate("Code", tongue), translate("What does this do? print([n * n for n in range(5)])", tongue)),
    )
    return [{"text": prompt, "display_text": f"{group}\n{prompt}"} for group, prompt in prompts]
