"""The jobs of release.yml, one module each, of the same name."""
