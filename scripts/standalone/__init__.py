"""Programs that a release carries as assets: each is one file and needs only Python."""
