"""The hot operations in C, behind a plain interface: pointers and sizes. Everything here has a slower twin in torch."""
