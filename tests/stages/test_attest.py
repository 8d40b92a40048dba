"""A release is signed once, by its own job, and gh accepts what was signed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from rehearsal.github.settings import Token
from rehearsal.github.tokens import TokenBook, asking
from rehearsal.signing.routes import PLACE
from scripts.core.errors import CheckError, ServiceError, UsageError
from scripts.core.lockfile import Signing
from scripts.release import signatures, signed
from scripts.release.assets import VERIFIER
from scripts.stages import attest, verify
from tests.conftest import REPOSITORY, WRITER
from tests.support.releases import RELEASED, WORKFLOW, Releases, claims

pytestmark = pytest.mark.service
PARTS = 8
SIGNATURES = 5
"""Two for each file of the package, and one for all other parts."""


def as_job(bench: Releases, **said: str) -> dict[str, str]:
    """Give what the job `attest` has: a token that may ask who it is, and the world's trust."""
    grants = {"id_token": "write", "attestations": "write", "contents": "read"}
    identity = {**claims(bench.project.sha("main")), **said}
    token = Token("github-actions[bot]", grants, "attest", identities={"attest": identity})
    text = TokenBook(bench.folder / "github-0" / "tokens").issue(token)
    trust = bench.folder / "trust.json"
    trust.write_text(requests.get(f"{bench.github.url}{PLACE}/client.json", timeout=20).text)
    return {
        **asking(bench.github.url, text),
        "GITHUB_TOKEN": text,
        "GITHUB_REF": identity["ref"],
        "GITHUB_SHA": identity["sha"],
        "GITHUB_WORKFLOW_REF": identity["job_workflow_ref"],
        "RELEASE_TRUST": str(trust),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.fixture
def staged(released: Releases) -> Releases:
    """0.4.0 is staged and its tags are public."""
    released.release("0.4.0", until="publish-package", sign=False)
    return released


def sign(bench: Releases, **said: str) -> str:
    """Run the job; give what its result says."""
    environment = as_job(bench, **said)
    (bench.project.clone / "release" / "out").mkdir(exist_ok=True)
    context = bench.step("attest", **environment)
    (result,) = context.results("attest")
    outcome, line = result.outcomes
    assert line.detail == f"Signed: {outcome.detail}"
    return f"{outcome.title}: {outcome.detail}, {'written' if outcome.written else 'there'}"


def writes(bench: Releases) -> list[str]:
    return [one for one in bench.github.writes() if "attestations" in one]


def test_every_part_is_signed_once(staged: Releases) -> None:
    first = sign(staged)
    parts = len(signed.subjects(staged.context()))
    assert first == f"attestations: {parts} of {parts}, written"
    assert len(writes(staged)) == SIGNATURES
    given = attested(staged)
    assert sign(staged) == f"attestations: {parts} of {parts}, there"
    assert len(writes(staged)) == SIGNATURES
    assert attested(staged) == given
    assert sorted(given) == sorted(
        f"{dist.name}.{kind}.attestation"
        for dist in staged.context().lock.dists
        for kind in ("publish", "slsa")
    )


def attested(bench: Releases) -> dict[str, str]:
    """Return what the upload is given."""
    folder = bench.project.clone / "release" / "in" / signed.FOLDER
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_run_that_was_killed_between_two_signatures_goes_on(staged: Releases) -> None:
    staged.github.fault(path="/attestations$", action="status", code=403, occurrence=3)
    with pytest.raises(ServiceError, match="403"):
        sign(staged)
    assert len(signers(staged)) == 2
    assert sign(staged).endswith("written")
    assert len(signers(staged)) == SIGNATURES


def test_what_the_log_has_already_is_signed_with_another_key(staged: Releases) -> None:
    staged.github.fault(path="/log/entries", action="status", code=409, occurrence=1)
    assert sign(staged).endswith("written")
    assert len(signers(staged)) == SIGNATURES


def test_gh_accepts_every_part(staged: Releases) -> None:
    sign(staged)
    outcome, index = verify.attestations(staged.context(**as_job(staged)))
    parts = len(signed.subjects(staged.context()))
    assert (outcome.detail, outcome.skipped) == (f"{parts} of {parts}", False)
    assert (index.detail[:6], index.skipped) == ("0 of 2", True)


def test_a_runner_without_gh_is_told_to_install_it(staged: Releases, tmp_path: Path) -> None:
    sign(staged)
    without = {**as_job(staged), "PATH": str(tmp_path)}
    for check in (signatures.of_parts, signatures.of_package):
        with pytest.raises(ServiceError, match="gh is not installed on this runner"):
            check(staged.context(**without))


def test_a_part_that_was_exchanged_is_refused(staged: Releases) -> None:
    sign(staged)
    path = staged.project.clone / "release" / "in" / "assets" / "compose.yaml"
    path.write_text(path.read_text() + "# x\n")
    with pytest.raises(CheckError, match=r"gh refuses the attestation of compose\.yaml"):
        verify.attestations(staged.context(**as_job(staged)))


OTHERS: dict[str, dict[str, str]] = {
    "repository": {"repository": "eve/x", "job_workflow_ref": f"eve/x/{WORKFLOW[18:]}"},
    "branch": {"ref": "refs/heads/eve", "job_workflow_ref": WORKFLOW.replace("/main", "/eve")},
    "commit": {"sha": "2" * 40},
    "workflow": {"job_workflow_ref": WORKFLOW.replace("release.yml", "ci.yml")},
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_another_run_signed_is_refused(staged: Releases, what: str) -> None:
    staged.sign(**OTHERS[what])
    with pytest.raises(CheckError, match="gh refuses the attestation of"):
        signatures.of_parts(staged.context(**as_job(staged)))


def test_a_certificate_that_had_expired_is_refused(staged: Releases) -> None:
    staged.sign(datetime.now(UTC) - timedelta(minutes=11))
    with pytest.raises(CheckError, match="gh refuses the attestation of"):
        signatures.of_parts(staged.context(**as_job(staged)))


@pytest.mark.parametrize("what", OTHERS)
def test_what_another_run_signed_is_signed_by_ours(staged: Releases, what: str) -> None:
    """It does not count, and does not stand in the way."""
    staged.sign(**OTHERS[what])
    assert sign(staged).endswith("written")
    assert signatures.of_parts(staged.context(**as_job(staged))) >= PARTS


def test_a_job_that_cannot_prove_itself_is_told_what_it_needs(staged: Releases) -> None:
    with pytest.raises(UsageError, match="cannot prove to sigstore who it is") as raised:
        attest.run(staged.context(RELEASE_TRUST=as_job(staged)["RELEASE_TRUST"]))
    assert "id-token: write" in raised.value.remedy


@pytest.mark.parametrize("action", ["status", "drop-before", "drop-after"])
@pytest.mark.parametrize("path", ["/log/entries", "/signingCert", "/attestations$", "/idtoken"])
def test_a_service_that_fails_for_a_moment_is_asked_again(
    staged: Releases, path: str, action: str
) -> None:
    rule = {"path": path, "action": action, "occurrence": 1}
    staged.github.fault(**rule, **({"code": 503} if action == "status" else {}))
    parts = len(signed.subjects(staged.context()))
    assert sign(staged) == f"attestations: {parts} of {parts}, written"
    assert len(signers(staged)) == SIGNATURES


def test_what_sigstore_refuses_stops_with_a_remedy(staged: Releases) -> None:
    staged.github.fault(path="/signingCert", action="status", code=403)
    with pytest.raises(ServiceError, match="sigstore answered 403") as raised:
        sign(staged)
    assert "id-token: write" in raised.value.remedy
    assert not signers(staged)


def signers(bench: Releases) -> list[Path]:
    """List what was signed beside the earlier releases."""
    found = (bench.folder / "github-0" / "attestations").glob("*.json")
    return [path for path in found if int(path.stem) > len(RELEASED)]


def test_where_github_does_not_offer_it_the_summary_says_why(staged: Releases) -> None:
    context = staged.context(**as_job(staged))
    reason = signed.NOT_OFFERED
    context = context.knowing(lock=replace(context.lock, signing=Signing(reason=reason)))
    done = attest.run(context)
    assert done.outcomes[0].skipped
    assert "Enterprise Cloud" in done.outcomes[0].detail
    assert not signers(staged)


def test_the_lock_says_who_signs_or_why_nobody_does(released: Releases) -> None:
    context = released.context()
    assert signed.signing(context).by == ".github/workflows/release.yml@refs/heads/main"
    assert signed.signing(released.context(GITHUB_REF="")).reason == signed.BY_HAND
    elsewhere = signed.signing(released.context(RELEASE_TRUST="")).reason
    assert (
        elsewhere == f"{context.endpoints.server_url} has no attestations that everybody can check"
    )
    context.forge.private = lambda: True  # type: ignore[method-assign]
    assert signed.signing(context) == Signing(reason=signed.NOT_OFFERED)


def test_a_release_that_an_older_version_staged_is_not_signed(staged: Releases) -> None:
    context = staged.context(**as_job(staged))
    done = attest.run(context.knowing(lock=replace(context.lock, signing=None)))
    assert done.outcomes[0].skipped
    assert "earlier version" in done.outcomes[0].detail


def test_another_branch_than_the_locks_signs_nothing(staged: Releases) -> None:
    eve = {"ref": "refs/heads/eve", "job_workflow_ref": WORKFLOW.replace("/main", "/eve")}
    with pytest.raises(UsageError, match="@refs/heads/eve, the lock says that") as raised:
        attest.run(staged.context(**as_job(staged, **eve)))
    assert "from refs/heads/main" in raised.value.remedy
    assert not signers(staged)


def test_a_stranger_with_gh_checks_them_too(staged: Releases) -> None:
    sign(staged)
    staged.step("promote", RELEASE_VERSION="0.4.0")
    root = staged.folder / "root.jsonl"
    answer = requests.get(f"{staged.github.url}{PLACE}/trusted_root.json", timeout=20)
    root.write_text(json.dumps(answer.json()) + "\n")
    code, text = stranger(staged, root)
    assert code == 0, text
    assert text.count("ok          attestation of ") >= PARTS
    for path in (staged.folder / "github-0" / "attestations").glob("*.json"):
        kept = json.loads(path.read_text())
        kept["bundle"]["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA"
        path.write_text(json.dumps(kept))
    code, text = stranger(staged, root)
    assert code == 1
    assert "refused: attestation of " in text.splitlines()[-1]


def stranger(bench: Releases, root: Path) -> tuple[int, str]:
    release = bench.context(GITHUB_TOKEN=WRITER).forge.release("v0.4.0")
    assert release
    program = bench.folder / VERIFIER
    program.write_bytes(bench.context().forge.asset(release, VERIFIER) or b"")
    page = f"{bench.github.url}/{REPOSITORY}"
    options = (f"--index={bench.index_served.url}/simple/", f"--root={root}")
    done = subprocess.run(
        [sys.executable, "-I", str(program), page, "v0.4.0", *options],
        cwd=bench.folder, capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": str(Path(sys.executable).parent), "HOME": str(bench.folder)},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
