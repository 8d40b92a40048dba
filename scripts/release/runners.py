"""The runners for the matrices of a release."""

DEFAULT = "linux/amd64"
RUNNERS = {"linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm"}
"""Platform to the label of a runner of that platform."""
NO_IMAGE = "none"
"""The matrix leg of a project without images."""
