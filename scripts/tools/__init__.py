"""What the release runs on: other programs, the runner, Docker, environments."""
