"""The names of a release's assets, besides the package's files and the lock."""

SUMS = "SHA256SUMS"
COMPOSE = "compose.yaml"
NOTES = "notes.md"
VERIFIER = "verify.py"
"""The program by which anybody checks the release from outside."""
