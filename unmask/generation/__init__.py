"""From logits to text: sampling, and the plain loop that every faster one is measured against."""
