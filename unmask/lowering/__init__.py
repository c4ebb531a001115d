"""From a built model to the flat list of operations that the native library runs in one call."""
