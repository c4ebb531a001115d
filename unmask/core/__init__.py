"""The one core of every model: specs of parts, and the modules they build."""
