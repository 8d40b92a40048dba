"""Stand-in for actions/upload-artifact: artifacts are kept in the run's folder."""

from rehearsal.actions.artifacts import number, select, store
from rehearsal.actions.toolkit import (
    StandInError,
    given,
    output,
    run,
    switch,
    variable,
    warning,
    workspace,
)

CHOICES = ("warn", "error", "ignore")
MOST_COMPRESSION, LONGEST_DAYS = 9, 400


def main() -> None:
    """Keep the files that `path` means, as one artifact."""
    _validate()
    if given("archive") == "false":
        raise StandInError("the rehearsal's stand-in keeps zip files only: archive must be true")
    name = given("name") or "artifact"
    lines = [line.strip() for line in given("path").splitlines() if line.strip()]
    if not lines:
        raise StandInError("the input 'path' is required")
    root, files = select(workspace(), lines, hidden=switch("include-hidden-files"))
    if not files:
        _none_found(" ".join(lines))
        return
    digest = store().add(name, root, files, overwrite=switch("overwrite"))
    server, repository = variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY")
    print(f"{len(files)} file(s) kept as the artifact {name}")
    output("artifact-id", number(name))
    output("artifact-digest", digest)
    run_url = f"{server}/{repository}/actions/runs/{variable('GITHUB_RUN_ID')}"
    output("artifact-url", f"{run_url}/artifacts/{number(name)}")


def _validate() -> None:
    """Reject inputs that the real action rejects before it searches for files."""
    choice = given("if-no-files-found") or "warn"
    if choice not in CHOICES:
        raise StandInError(
            f"Unrecognized if-no-files-found input. Provided: {choice}. "
            f"Available options: {', '.join(CHOICES)}"
        )
    _number("compression-level", MOST_COMPRESSION)
    _number("retention-days", LONGEST_DAYS)


def _number(name: str, most: int) -> None:
    """Reject an input that is not a number from 0 to `most`."""
    text = given(name)
    if text and not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise StandInError(f"Invalid {name}: {text!r}. Give a number from 0 to {most}")


def _none_found(lines: str) -> None:
    message = f"No files were found with the provided path: {lines}. No artifacts will be uploaded"
    choice = given("if-no-files-found") or "warn"
    if choice == "error":
        raise StandInError(message)
    if choice == "warn":
        warning(message)


if __name__ == "__main__":
    run(main)
