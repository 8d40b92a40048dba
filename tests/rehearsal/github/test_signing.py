"""The world's trust root: what its authority and its log give, the real verifiers accept.

Real are `gh attestation verify`, sigstore's client and verifier, and the index's own library.
"""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pypi_attestations import Attestation, Distribution, GitHubPublisher
from sigstore.errors import VerificationError
from sigstore.models import ClientTrustConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier

from rehearsal.github.oidc import repository_claims
from rehearsal.github.tokens import asking
from rehearsal.signing.routes import CERTIFY, ENTRIES, PLACE
from rehearsal.signing.trust import Trust
from tests.rehearsal.github.conftest import Served, World
from tests.rehearsal.github.test_oidc import ASKS, ask, issued
from tests.rehearsal.test_actions import Job

WHEEL = "thing-0.2.4-py3-none-any.whl"
CONTENT = b"the wheel's bytes"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
REPOSITORY = "mrilikecoding/StreamPoseML"
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml@refs/heads/main"
SIGNER = f"https://github.com/{WORKFLOW}"
SHA = "1" * 40
CLAIMS = {
    "ref": "refs/heads/main",
    "sha": SHA,
    "event_name": "workflow_dispatch",
    "actor": "mari",
    "job_workflow_ref": WORKFLOW,
    "job_workflow_sha": SHA,
    "workflow_ref": WORKFLOW,
    "workflow_sha": SHA,
    "run_id": "1001",
    "run_attempt": "1",
    "runner_environment": "github-hosted",
}
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [
        {"name": "other", "digest": {"sha256": "0" * 64}},
        {"name": WHEEL, "digest": {"sha256": DIGEST}},
    ],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {"buildDefinition": {"buildType": "x"}, "runDetails": {"builder": {"id": "x"}}},
}
POLICY = {
    "repo": REPOSITORY,
    "cert-identity": SIGNER,
    "source-ref": "refs/heads/main",
    "source-digest": SHA,
}


@dataclass
class Bench:
    """A trust root in a folder, and a file that is signed by it."""

    folder: Path
    trust: Trust
    claims: dict[str, str]

    def bundle(self, now: datetime | None = None, **claims: str) -> dict[str, Any]:
        return self.trust.sign({**self.claims, **claims}, STATEMENT, now)

    def gh(
        self, bundle: dict[str, Any], content: bytes = CONTENT, **policy: str
    ) -> subprocess.CompletedProcess[str]:
        """Let the real gh check a file, without a network and without a login."""
        for name, text in (("bundle.json", bundle), ("root.jsonl", self.trust.root())):
            (self.folder / name).write_text(json.dumps(text) + "\n")
        (self.folder / WHEEL).write_bytes(content)
        said = {**POLICY, "bundle": "bundle.json", "custom-trusted-root": "root.jsonl"}
        said |= {key.replace("_", "-"): value for key, value in policy.items()}
        options = [f"--{key}={value}" for key, value in said.items()]
        return subprocess.run(
            ["gh", "attestation", "verify", *options, "--", WHEEL],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
            env={"PATH": str(Path(sys.executable).parent), "HOME": str(self.folder)},
        )  # fmt: skip


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Bench:
    settings = world.serve().settings
    claims = repository_claims(settings, CLAIMS)
    return Bench(tmp_path, Trust(tmp_path / "trust"), claims)


def test_gh_accepts_each_entry_of_a_growing_log(bench: Bench) -> None:
    bundles = [bench.bundle() for _ in range(7)]
    for bundle in bundles:
        done = bench.gh(bundle)
        assert done.returncode == 0, done.stderr


def altered(bundle: dict[str, Any], where: str) -> dict[str, Any]:
    """Flip one bit of the signed statement, of the log's promise or of the proof's root."""
    made = json.loads(json.dumps(bundle))
    envelope = made["dsseEnvelope"]
    (entry,) = made["verificationMaterial"]["tlogEntries"]
    holder, key = {
        "statement": (envelope, "payload"),
        "signature": (envelope["signatures"][0], "sig"),
        "promise": (entry["inclusionPromise"], "signedEntryTimestamp"),
        "proof": (entry["inclusionProof"], "rootHash"),
    }[where]
    content = bytearray(base64.b64decode(holder[key]))
    content[len(content) // 2] ^= 1
    holder[key] = base64.b64encode(bytes(content)).decode()
    return made


REFUSED: dict[str, Callable[[Bench], subprocess.CompletedProcess[str]]] = {
    "one flipped bit": lambda b: b.gh(b.bundle(), bytes([CONTENT[0] ^ 1]) + CONTENT[1:]),
    "another repository": lambda b: b.gh(b.bundle(), repo="mrilikecoding/other"),
    "a fork's certificate": lambda b: b.gh(b.bundle(repository="eve/StreamPoseML")),
    "another workflow": lambda b: b.gh(b.bundle(job_workflow_ref=WORKFLOW.replace("rel", "x"))),
    "another branch": lambda b: b.gh(b.bundle(ref="refs/heads/eve")),
    "another commit": lambda b: b.gh(b.bundle(sha="2" * 40)),
    "expired": lambda b: b.gh(b.bundle(datetime.now(UTC) - timedelta(minutes=11))),
    "another root": lambda b: b.gh(Trust(b.folder / "eve").sign(b.claims, STATEMENT)),
    "statement": lambda b: b.gh(altered(b.bundle(), "statement")),
    "signature": lambda b: b.gh(altered(b.bundle(), "signature")),
    "promise": lambda b: b.gh(altered(b.bundle(), "promise")),
    "proof": lambda b: b.gh(altered(b.bundle(), "proof")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_gh_refuses(bench: Bench, what: str) -> None:
    assert bench.gh(bench.bundle()).returncode == 0
    done = REFUSED[what](bench)
    assert done.returncode == 1, done.stdout
    assert done.stderr


def context_of(hub: Served) -> ClientTrustConfig:
    config = requests.get(f"{hub.base}{PLACE}/client.json", timeout=20).text
    made = ClientTrustConfig.from_json(config)
    # The index takes no attestations of the log's second version.
    made.force_tlog_version = 1
    return made


def published(hub: Served, tmp_path: Path) -> tuple[Attestation, Distribution, Verifier]:
    """Sign a file as a job that publishes does, with the real client."""
    path = tmp_path / WHEEL
    path.write_bytes(CONTENT)
    dist, trust = Distribution.from_file(path), context_of(hub)
    token = ask(hub, issued(hub, ASKS, **CLAIMS), "sigstore").json()["value"]
    signing = SigningContext.from_trust_config(trust)
    with signing.signer(IdentityToken(token)) as signer:
        attestation = Attestation.sign(signer, dist)
    root = requests.get(f"{hub.base}{PLACE}/trusted_root.json", timeout=20).text
    (tmp_path / "root.json").write_text(root)
    return (
        attestation,
        dist,
        Verifier(trusted_root=TrustedRoot.from_file(str(tmp_path / "root.json"))),
    )


def test_the_real_client_signs_by_the_worlds_services(hub: Served, tmp_path: Path) -> None:
    attestation, dist, verifier = published(hub, tmp_path)
    read = Attestation.model_validate_json(attestation.model_dump_json())
    own = GitHubPublisher(repository=REPOSITORY, workflow="release.yml")
    kind, payload = verifier.verify_dsse(read.to_bundle(), own._as_policy())
    assert kind == "application/vnd.in-toto+json"
    assert json.loads(payload)["subject"] == [{"name": WHEEL, "digest": {"sha256": dist.digest}}]
    for repository, workflow in (("eve/StreamPoseML", "release.yml"), (REPOSITORY, "ci.yml")):
        other = GitHubPublisher(repository=repository, workflow=workflow)
        with pytest.raises(VerificationError):
            verifier.verify_dsse(read.to_bundle(), other._as_policy())


def test_who_has_no_valid_token_gets_no_certificate(hub: Served) -> None:
    place = f"{hub.base}{CERTIFY}"
    for_another = ask(hub, issued(hub, ASKS, **CLAIMS), "index").json()["value"]
    for text in ("", "x.y.z", for_another):
        headers = {"Authorization": f"Bearer {text}"}
        assert requests.post(place, json={}, headers=headers, timeout=20).status_code == 401


def test_the_log_knows_what_it_has(hub: Served, bench: Bench) -> None:
    """A repeated request is answered by 409, which means that the entry is there."""
    entry = bench.bundle()
    envelope = entry["dsseEnvelope"]
    raw = base64.b64decode(entry["verificationMaterial"]["certificate"]["rawBytes"])
    lines = base64.encodebytes(raw).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n"
    content = {
        "envelope": json.dumps(envelope),
        "verifiers": [base64.b64encode(pem.encode()).decode()],
    }
    proposal = {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content}}
    first = requests.post(f"{hub.base}{ENTRIES}", json=proposal, timeout=20)
    again = requests.post(f"{hub.base}{ENTRIES}", json=proposal, timeout=20)
    assert (first.status_code, again.status_code) == (201, 409)
    (name,) = first.json()
    assert again.headers["Location"].endswith(name)
    found = requests.get(f"{hub.base}{ENTRIES}/{name}", timeout=20).json()
    assert found[name]["body"] == first.json()[name]["body"]
    assert requests.get(f"{hub.base}{ENTRIES}/{'0' * 80}", timeout=20).status_code == 404
    content["envelope"] = json.dumps(altered(entry, "signature")["dsseEnvelope"])
    assert requests.post(f"{hub.base}{ENTRIES}", json=proposal, timeout=20).status_code == 400


def test_the_stand_in_signs_what_gh_accepts(hub: Served, tmp_path: Path) -> None:
    """The action's stand-in, GitHub's API and gh together, as in a release."""
    permissions = {**ASKS, "attestations": "write"}
    token = issued(hub, permissions, **CLAIMS)
    job = Job(tmp_path / "job", **asking(hub.base, token))
    job.environment |= {
        "GITHUB_SERVER_URL": hub.base,
        "GITHUB_API_URL": f"{hub.base}/api/v3",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": SHA,
    }
    (job.workspace / "subjects.txt").write_text(f"{'0' * 64}  other\n{DIGEST}  {WHEEL}\n")
    done = job.use("attest", subject_checksums="subjects.txt", github_token=token)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "attested 2 subjects" in done.stdout
    answer = hub.api("GET", f"/attestations/sha256:{DIGEST}", "").json()
    (found,) = answer["attestations"]
    root = requests.get(f"{hub.base}{PLACE}/trusted_root.json", timeout=20).json()
    bench = Bench(tmp_path, Trust(tmp_path / "unused"), {})
    bench.trust.root = lambda: root  # type: ignore[method-assign]
    checked = bench.gh(found["bundle"])
    assert checked.returncode == 0, checked.stderr
    assert hub.api("GET", f"/attestations/sha256:{'7' * 64}", "").status_code == 404


def test_an_attestation_needs_its_permission(hub: Served) -> None:
    token = issued(hub, {"attestations": "read", "contents": "write"}, **CLAIMS)
    answer = hub.api("POST", "/attestations", token, json={"bundle": {}})
    assert answer.status_code == 403


def test_a_private_repository_has_no_attestations(world: World) -> None:
    hub = world.serve(private=True)
    token = issued(hub, {**ASKS, "attestations": "write", "contents": "read", "metadata": "read"})
    answer = hub.api("POST", "/attestations", token, json={"bundle": {}})
    assert answer.status_code == 422
    assert "Feature not available" in answer.json()["message"]
