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

    One artifact, by name or as the only match: into `path` itself. Several: each into a folder of
    its name, or with `merge-multiple` all into `path`. Without a match, do nothing.
    """
    refuse("artifact-ids", "skip-decompress", "run-id")
    target, kept = workspace() / Path(given("path")).expanduser(), store()
    name = given("name")
    if name and name not in kept.names():
        raise StandInError(f"Unable to download artifact(s): Artifact not found for name: {name}")
    taken: dict[Path, str] = {}
    names = [name] if name else kept.matching(given("pattern"))
    flat = len(names) == 1 or switch("merge-multiple")
    for each in names:
        count = kept.extract(each, target if flat else target / each, taken)
        print(f"{each}: {count} file(s)")
    output("download-path", target)


if __name__ == "__main__":
    run(main)
