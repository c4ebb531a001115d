"""The HTTP server: the OpenAI API on one loaded model."""
