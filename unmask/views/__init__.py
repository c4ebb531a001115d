"""What went on inside a model, to be looked at: each view is one JSON, one SVG and one page that needs no network."""
