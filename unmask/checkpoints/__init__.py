"""Weight files: readers that trust nothing, rules that name every tensor, and where models come from."""
