"""Measure a server under load: ours, or any other that speaks as OpenAI's does."""
