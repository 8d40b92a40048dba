"""The names of a release's assets, besides the package's files and the lock."""

SUMS = "SHA256SUMS"
COMPOSE = "compose.yaml"
NOTES = "notes.md"
SBOMS = "sboms.zip"
VERDICT = "scan.json"
"""Not an asset itself: the lock has it."""
