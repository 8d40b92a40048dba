"""Cut the changelog in this checkout, as one process: what `prepare` does with the one file."""

import sys
from pathlib import Path

from packaging.version import Version

from scripts.core import changelog


def main(wanted: str, last: str) -> None:
    """Cut the section of `wanted`, which follows `last`; the day is always the same."""
    path = Path("CHANGELOG.md")
    text = path.read_bytes().decode()
    after = changelog.cut(
        text, Version(wanted), "2025-09-01", tag=f"v{wanted}", previous_tag=f"v{last}"
    )
    path.write_bytes(after.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
