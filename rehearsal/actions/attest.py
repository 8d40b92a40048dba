"""Stand-in for actions/attest: the world's own authority signs, and its own log records it."""

import hashlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from rehearsal.actions.toolkit import (
    StandInError,
    given,
    notice,
    output,
    refuse,
    run,
    temporary,
    variable,
    workspace,
)

AUDIENCE = "sigstore"
STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
BUILD = "https://actions.github.io/buildtypes/workflow/v1"
MOST_SUBJECTS = 1024  # the action's own limit


def main() -> None:
    """Sign the provenance of the subjects, and give it to the repository."""
    refuse("sbom-path", "predicate-type", "predicate", "predicate-path", "push-to-registry")
    found = subjects()
    if not 0 < len(found) <= MOST_SUBJECTS:
        raise StandInError(f"found {len(found)} subjects, expected 1 to {MOST_SUBJECTS}")
    body = {"_type": STATEMENT, "subject": found, "predicateType": PROVENANCE}
    statement = {**body, "predicate": predicate()}
    server = variable("GITHUB_SERVER_URL")
    bundle = ask(f"{server}/_services/signing/sign", identity_token(), statement)
    place = f"{variable('GITHUB_API_URL')}/repos/{variable('GITHUB_REPOSITORY')}/attestations"
    token = given("github-token") or variable("GITHUB_TOKEN")
    kept = ask(place, token, {"bundle": bundle})
    path = temporary() / "attestation.json"
    path.write_text(json.dumps(bundle) + "\n", encoding="utf-8")
    output("bundle-path", path)
    output("attestation-id", kept["id"])
    output("attestation-url", f"{server}/{variable('GITHUB_REPOSITORY')}/attestations/{kept['id']}")
    notice(f"attested {len(found)} subjects")


def subjects() -> list[dict[str, Any]]:
    """Return what is attested, by a list of checksums, one digest, or files."""
    if path := given("subject-checksums"):
        lines = (workspace() / path).read_text(encoding="utf-8").splitlines()
        return [subject(*reversed(line.split("  ", 1))) for line in lines if line]
    if digest := given("subject-digest"):
        return [subject(given("subject-name"), digest.removeprefix("sha256:"))]
    paths = [
        one for line in given("subject-path").split() for one in sorted(workspace().glob(line))
    ]
    return [subject(path.name, hashed(path)) for path in paths]


def subject(name: str, digest: str) -> dict[str, Any]:
    """Write one subject of a statement."""
    if not name or not re.fullmatch("[0-9a-f]{64}", digest):
        raise StandInError(f"{digest!r} is not the SHA-256 of {name!r}")
    return {"name": name, "digest": {"sha256": digest}}


def hashed(path: Path) -> str:
    """Return a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def predicate() -> dict[str, Any]:
    """Say how the subjects were built (SLSA provenance 1, GitHub's build type)."""
    server, repository = variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY")
    where = {"ref": variable("GITHUB_REF"), "repository": f"{server}/{repository}"}
    return {
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": {"workflow": where},
            "resolvedDependencies": [{"digest": {"gitCommit": variable("GITHUB_SHA")}}],
        },
        "runDetails": {"builder": {"id": f"{server}/{repository}"}},
    }


def identity_token() -> str:
    """Ask for the job's identity token, which a job without `id-token: write` does not get."""
    url = variable("ACTIONS_ID_TOKEN_REQUEST_URL")
    asked = f"{url}{'&' if '?' in url else '?'}audience={AUDIENCE}"
    return str(ask(asked, variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))["value"])


def ask(url: str, token: str, body: object = None) -> Any:
    """Send a request with a token; return the JSON of the answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - the world's own services
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")[:300]
        path = urllib.parse.urlsplit(url).path
        raise StandInError(f"{path} answered {error.code}: {said}") from error


if __name__ == "__main__":
    run(main)
