"""How fast, against what: each figure is a ratio, measured side by side in one run."""
