"""The public places of a release, one module each, with `observe` and `apply`."""
