"""Models in few bits: schemes, how weights are rounded and packed, and the parts that multiply with them."""
