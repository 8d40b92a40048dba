"""GitHub's REST API for releases, refs, contents and pulls, over one real bare git repository."""
