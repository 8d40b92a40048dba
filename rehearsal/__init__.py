"""A world on your own machine that release.yml runs in, unchanged."""
