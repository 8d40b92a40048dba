"""The package is uploaded with who made it and who published it, and the real verifiers check both.

Real are `pypi-attestations`, `gh attestation verify` and twine.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from rehearsal.github.oidc import repository_claims
from rehearsal.signing.trust import Trust
from scripts.core import codec, lockfile, planning
from scripts.core.converge import converge
from scripts.core.errors import CheckError
from scripts.release import signatures
from scripts.release.context import Context
from scripts.stages.publish_package import attested, credentials
from scripts.surfaces.attestations import KINDS, PROVENANCE, PUBLISH, for_index, provenance
from scripts.surfaces.package_index import Dists
from tests.core.values import BASE, COMMIT
from tests.rehearsal.index.conftest import CLAIMS, Index, dists
from tests.rehearsal.index.test_publishing import Job

VERSION = "1.0.0"
WORKFLOW = "mari/thing/.github/workflows/release.yml@refs/heads/main"
SIGNED = {
    **CLAIMS,
    "sha": BASE.commit,
    "job_workflow_ref": WORKFLOW,
    "job_workflow_sha": BASE.commit,
    "workflow_ref": WORKFLOW,
    "workflow_sha": BASE.commit,
    "run_id": "1001",
    "run_attempt": "1",
    "runner_environment": "github-hosted",
}


class Signing(Job):
    """A release whose files are signed by the world's own authority."""

    def __init__(self, front: Index, thing: str, folder: Path) -> None:
        super().__init__(front, thing, folder)
        self.trust = Trust(front.settings.folder / "signing")
        (folder / "trust.json").write_text(json.dumps(self.trust.client("http://localhost:1")))
        for name, content in dists(thing, VERSION).items():
            (folder / name).write_bytes(content)
        self.give(self.lock())

    def lock(self) -> lockfile.Lock:
        product = planning.Product(self.thing, "Mari <mari@example.org>", True, ())
        plan = planning.decide(product, Version(VERSION), BASE, {})
        files = ((one, (self.folder / one).read_bytes()) for one in plan.dists)
        return lockfile.Lock(plan, COMMIT, tuple(lockfile.locked_dist(*one) for one in files), ())

    def give(self, lock: lockfile.Lock) -> None:
        """Hand over what the jobs before have made."""
        given = self.folder / "release" / "in"
        for name in ("assets", "dist", "attested"):
            (given / name).mkdir(parents=True, exist_ok=True)
        (given / "assets" / lockfile.NAME).write_text(lockfile.write(lock))
        (given / "plan.json").write_text(codec.encode(lock.plan))
        for dist in lock.dists:
            shutil.copyfile(self.folder / dist.name, given / "dist" / dist.name)

    def context(self, **more: str) -> Context:
        own = {
            "GITHUB_WORKFLOW_REF": WORKFLOW,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": BASE.commit,
            "RELEASE_TRUST": str(self.folder / "trust.json"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return super().context(**{**own, **more})

    def sign(self, now: datetime | None = None, **claims: str) -> None:
        """Sign each file as the job `attest` does, with what it says of itself."""
        said = repository_claims(self.front.settings, {**SIGNED, **claims})
        predicates = {PUBLISH: None, PROVENANCE: provenance(self.context().environment.build())}
        for dist in self.lock().dists:
            subject = {"name": dist.name, "digest": {"sha256": dist.sha256}}
            for kind, predicate in predicates.items():
                statement = {
                    "_type": "https://in-toto.io/Statement/v1",
                    "subject": [subject],
                    "predicateType": kind,
                    "predicate": predicate,
                }
                bundle = self.trust.sign({**said, **claims}, statement, now)
                name = f"{dist.name}.{KINDS[kind]}.attestation"
                path = self.folder / "release" / "in" / "attested" / name
                path.write_text(json.dumps(for_index(bundle)))

    def publish(self, **more: str) -> Context:
        context = self.context(**more)
        lock = context.lock
        login = partial(credentials, context)
        surface = Dists(context.index, lock, self.folder, login, attested(context))
        converge([surface], context.environment.patience)
        return context


@pytest.fixture
def job(front: Index, thing: str, tmp_path: Path) -> Signing:
    return Signing(front, thing, tmp_path / "dist")


def test_both_programs_accept_what_the_index_shows(job: Signing) -> None:
    job.sign()
    context = job.publish()
    shown = context.index.attestations(job.thing, job.lock().dists[0].name)
    assert len(shown) == len(KINDS)
    assert signatures.of_package(context) == 2


def test_a_later_commit_of_a_repeated_run_is_accepted_too(job: Signing) -> None:
    """The first run signed for the commit that the release was planned from."""
    job.sign()
    assert signatures.of_package(job.publish(GITHUB_SHA="2" * 40)) == 2


def test_an_index_that_wants_a_token_gets_no_attestations(job: Signing) -> None:
    """It takes them from trusted publishers only."""
    job.sign()
    account = job.front.account
    context = job.publish(PACKAGE_INDEX_TOKEN=account)
    assert context.index.attestations(job.thing, job.lock().dists[0].name) == []
    assert signatures.of_package(context) == 0


OTHER = WORKFLOW.replace("release.yml", "ci.yml")
REFUSED: dict[str, tuple[Callable[[Signing], Any], str]] = {
    "another repository": (
        lambda job: job.sign(repository="eve/thing", job_workflow_ref=f"eve/{WORKFLOW[5:]}"),
        "pypi-attestations refuses",
    ),
    "another workflow": (
        lambda job: job.sign(job_workflow_ref=OTHER), "pypi-attestations refuses",
    ),
    "another branch": (
        lambda job: job.sign(
            ref="refs/heads/eve", job_workflow_ref=WORKFLOW.replace("/main", "/eve")
        ),
        "pypi-attestations refuses",
    ),
    "another commit": (lambda job: job.sign(sha="2" * 40), "gh refuses"),
    "an expired certificate": (
        lambda job: job.sign(datetime.now(UTC) - timedelta(minutes=11)),
        "pypi-attestations refuses",
    ),
    "another root": (
        lambda job: (setattr(job, "trust", Trust(job.folder / "eve")), job.sign()),
        "pypi-attestations refuses",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_the_verifiers_refuse(job: Signing, what: str) -> None:
    sign, said = REFUSED[what]
    sign(job)
    context = job.publish()
    with pytest.raises(CheckError, match=said) as raised:
        signatures.of_package(context)
    assert "yank" in raised.value.remedy


def test_one_flipped_byte_of_the_file_is_refused(job: Signing) -> None:
    job.sign()
    context = job.publish()
    path = context.inputs / "dist" / job.lock().dists[1].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CheckError, match=f"pypi-attestations refuses {path.name}"):
        signatures.of_package(context)


def test_one_flipped_byte_of_the_statement_is_refused(job: Signing) -> None:
    job.sign()
    context = job.publish()
    name = job.lock().dists[0].name
    state = job.front.state
    (bundle,) = (state.files[name].provenance or {})["attestation_bundles"]
    signature = bundle["attestations"][0]["envelope"]["signature"]
    bundle["attestations"][0]["envelope"]["signature"] = f"AAAA{signature[4:]}"
    job.front.change(files=state.files)
    with pytest.raises(CheckError, match="pypi-attestations refuses"):
        signatures.of_package(context)


@pytest.mark.parametrize("shown", [{}, {"envelope": {}}, {"version": 1}])
def test_a_damaged_form_is_refused(job: Signing, shown: dict[str, Any]) -> None:
    job.sign()
    context = job.publish()
    state = job.front.state
    for name, file in state.files.items():
        if file.provenance:
            bundles = [{"publisher": {"kind": "x"}, "attestations": [shown]}]
            made = {"version": 1, "attestation_bundles": bundles}
            state.files[name] = replace(file, provenance=made)
    job.front.change(files=state.files)
    with pytest.raises(CheckError, match="the index shows another form"):
        signatures.of_package(context)
