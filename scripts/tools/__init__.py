"""The tools of a release: other programs, the runner, Docker, environments."""
