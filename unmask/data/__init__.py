"""Text to batches: documents, shards of tokens, and what each objective makes of them."""
