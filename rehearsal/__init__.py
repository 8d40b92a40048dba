"""A world on your own machine where release.yml runs unchanged."""
