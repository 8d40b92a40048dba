"""Stand-in for actions/download-artifact: artifacts come from the run's folder."""

from pathlib import Path

from rehearsal.actions.artifacts import store
from rehearsal.actions.toolkit import (
    StandInError,
    given,
    output,
    refuse,
    run,
    switch,
    workspace,
)


def main() -> None:
    """Unpack one artifact, or all whose names match, by the real action's rules of layout.

    By name: into `path` itself. Otherwise each into a folder of its name, or with
    `merge-multiple` all into `path`. A pattern that matches nothing is no error.
    """
    refuse("artifact-ids", "skip-decompress", "run-id")
    target, kept = workspace() / given("path"), store()
    target.mkdir(parents=True, exist_ok=True)
    name = given("name")
    if name and name not in kept.names():
        raise StandInError(f"artifact not found for name: {name}")
    taken: dict[Path, str] = {}
    for each in [name] if name else kept.matching(given("pattern")):
        flat = name or switch("merge-multiple")
        count = kept.extract(each, target if flat else target / each, taken)
        print(f"{each}: {count} file(s)")
    output("download-path", target)


if __name__ == "__main__":
    run(main)
