"""Many rows written at once by one model: what is computed when, and where it is remembered."""
