"""The release of a Python and Docker project, as small steps that GitHub Actions calls."""
