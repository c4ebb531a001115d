"""How well a model does on data: what it makes of a text, and how far one model's guesses are from another's."""
