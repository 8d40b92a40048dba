"""The release publishes to the index by what its job proves, and explains each refusal."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from rehearsal.github.settings import Token
from rehearsal.github.tokens import TokenBook, asking
from rehearsal.index.state import Project, Upload, hashed
from rehearsal.index.upload_rules import DAY
from scripts.core import lockfile, planning
from scripts.core.converge import Matches, converge
from scripts.core.errors import ConflictError, ServiceError, TransientError, UsageError
from scripts.core.lockfile import Lock
from scripts.release.context import Context
from scripts.stages.publish_package import credentials
from scripts.surfaces.package_index import Dists
from scripts.tools.environment import Environment
from tests.core.values import BASE, COMMIT
from tests.rehearsal.index.conftest import CLAIMS, PUBLISHER, Index, dists
from tests.support.dists import wheel

Make = Callable[..., Dists]


class Job:
    """A job of the release, with the files to upload."""

    def __init__(self, front: Index, thing: str, folder: Path) -> None:
        self.front, self.thing, self.folder = front, thing, folder
        self.book = TokenBook(front.settings.token_folder)
        folder.mkdir()
        for name, content in dists(thing).items():
            (folder / name).write_bytes(content)
        self.token = self.start()

    def start(self, may: str = "write", **claims: str) -> str:
        """Begin a job, whose token may ask for identity tokens."""
        identity = {"publish": {**CLAIMS, **claims}}
        token = Token("bot", {"id_token": may}, "publish", identities=identity)
        self.token = self.book.issue(token)
        return self.token

    def lock(self) -> Lock:
        product = planning.Product(self.thing, "Mari <mari@example.org>", True, ())
        plan = planning.decide(product, Version("1.0"), BASE, {})
        files = ((one, (self.folder / one).read_bytes()) for one in plan.dists)
        return Lock(plan, COMMIT, tuple(lockfile.locked_dist(*one) for one in files), ())

    def context(self, **more: str) -> Context:
        url = self.front.served.url
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "GITHUB_REPOSITORY": "mari/thing",
            "PACKAGE_INDEX_URL": f"{url}/root/release/+simple/",
            "PACKAGE_INDEX_UPLOAD_URL": f"{url}/root/release/",
            "RELEASE_DEADLINE": "5",
            **asking(self.front.settings.base_url, self.token),
            **more,
        }
        return Context(Environment(environment), self.folder)

    def publish(self, **more: str) -> Context:
        """Do what the stage does, but for reading the lock."""
        context = self.context(**more)
        surface = Dists(context.index, self.lock(), self.folder, partial(credentials, context))
        converge([surface], context.environment.patience)
        assert isinstance(surface.observe(), Matches)
        return context

    def refused(self, kind: type[Exception] = ServiceError, **more: str) -> Any:
        with pytest.raises(kind) as raised:
            self.publish(**more)
        assert not isinstance(raised.value, TransientError)
        return raised.value


@pytest.fixture
def job(front: Index, thing: str, tmp_path: Path) -> Job:
    return Job(front, thing, tmp_path / "dist")


def test_a_release_is_published_without_any_token_in_the_settings(job: Job, thing: str) -> None:
    job.publish()
    assert sorted(job.front.names(thing)) == sorted(dists(thing))
    assert job.front.state.projects[thing].publishers == [PUBLISHER]
    mints = [one for one in job.front.served.journal() if one.path.endswith("/mint-token")]
    assert [one.status for one in mints] == [200]


def test_a_second_run_asks_for_no_token(job: Job) -> None:
    job.publish()
    job.publish()
    mints = [one for one in job.front.served.journal() if one.path.endswith("/mint-token")]
    assert len(mints) == 1


def test_both_tokens_are_hidden_as_soon_as_they_are_known(job: Job) -> None:
    context = job.context()
    given = credentials(context)
    token = given["TWINE_PASSWORD"]
    assert hashed(token) in job.front.state.tokens
    assert context.environment.clean(f"a {token} b") == "a *** b"
    proof = job.front.identity()
    context.environment.hide(proof)
    assert context.environment.clean(proof) == "***"


def test_the_identity_token_is_hidden_even_if_it_is_refused(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden: list[str] = []
    monkeypatch.setattr(Environment, "hide", lambda _self, secret: hidden.append(secret))
    job.front.change(pending={})
    error = job.refused()
    assert [text.count(".") for text in hidden] == [2]
    assert hidden[0] not in str(error)


def test_a_publisher_of_another_repository_is_told_which_to_register(job: Job, thing: str) -> None:
    other = PUBLISHER.__class__("mari", PUBLISHER.owner_id, "other", "release.yml", "pypi")
    job.front.change(pending={}, projects={thing: Project([other])})
    error = job.refused()
    wanted = "owner mari, repository thing, workflow release.yml, environment pypi"
    assert wanted in error.cause
    assert "Publisher with matching claims was not found" in error.cause
    assert wanted in error.remedy
    assert "docs/setup.md, step 1" in error.remedy
    assert job.front.state.files == {}


def test_a_job_without_the_environment_is_told_so(job: Job, thing: str) -> None:
    job.front.change(pending={}, projects={thing: Project([PUBLISHER])})
    job.start(environment="")
    assert "environment (none)" in job.refused().remedy


def test_an_expired_identity_token_is_explained(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    old = job.front.identity(now=1_000_000)
    monkeypatch.setattr("scripts.surfaces.trusted_publishing.identity_token", lambda *_: old)
    error = job.refused()
    assert "expired, or made for another index" in error.cause
    assert "clock" in error.remedy


def test_a_used_identity_token_is_explained(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    used = job.front.identity()
    assert job.front.mint(used).ok
    monkeypatch.setattr("scripts.surfaces.trusted_publishing.identity_token", lambda *_: used)
    error = job.refused()
    assert "was used before" in error.cause
    assert "run the release again" in error.remedy


def test_the_token_of_a_finished_job_publishes_nothing(job: Job) -> None:
    job.book.revoke(job.token)
    error = job.refused()
    assert "GitHub's identity service answered 401" in error.cause
    assert "only while the job runs" in error.remedy
    assert job.front.state.files == {}


def test_a_job_without_the_permission_is_told_which(job: Job) -> None:
    job.start(may="read")
    error = job.refused()
    assert "403" in error.cause
    assert "`id-token: write`" in error.remedy
    nothing = dict.fromkeys(("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"), "")
    assert "`id-token: write`" in job.refused(UsageError, **nothing).remedy


def test_a_pending_publisher_of_another_name_is_explained(job: Job, thing: str) -> None:
    job.front.change(pending={f"{thing}x": PUBLISHER})
    assert "the project's name as pyproject.toml has it" in job.refused().remedy


def test_a_pending_publisher_of_a_project_that_is_there_is_explained(job: Job, thing: str) -> None:
    job.front.change(projects={thing: Project()})
    assert "in the project's own settings" in job.refused().remedy


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_an_archived_project_is_explained(job: Job, thing: str, status: str) -> None:
    job.front.change(pending={}, projects={thing: Project([PUBLISHER], status)})
    assert "neither archived nor quarantined" in job.refused().remedy


def test_a_name_that_was_used_once_is_explained(job: Job, thing: str) -> None:
    job.publish()
    files = job.front.state.files
    name = f"{thing}-1.0-py3-none-any.whl"
    files[name].deleted = True
    job.front.change(files=files, lag=3600)  # so that the page shows none of them
    assert "release the next version" in job.refused().remedy


def test_other_bytes_under_a_name_are_explained(job: Job, thing: str) -> None:
    job.publish()
    name = f"{thing}-1.0-py3-none-any.whl"
    (job.folder / name).write_bytes(wheel(thing, "1.0", new="x"))
    assert "release the next one" in job.refused(ConflictError).remedy
    job.front.change(lag=3600)
    assert "a file name is used once" in job.refused().remedy


def test_a_closed_release_is_explained(job: Job, thing: str) -> None:
    name = f"{thing}-1.0.tar.gz"
    job.publish()
    files = job.front.state.files
    del files[name]
    for one in files.values():
        one.uploaded -= 15 * DAY
    job.front.change(files=files)
    assert "release the next version" in job.refused().remedy


def test_a_wrong_token_is_explained(job: Job) -> None:
    error = job.refused(PACKAGE_INDEX_TOKEN="pypi-wrong-s3cret")
    assert "check PACKAGE_INDEX_TOKEN" in error.remedy
    state = job.front.state
    state.tokens[hashed("pypi-old-s3cret")] = Upload(expires=1)
    job.front.change(tokens=state.tokens)
    error = job.refused(PACKAGE_INDEX_TOKEN="pypi-old-s3cret")
    assert "not revoked" in error.remedy
    assert "s3cret" not in str(error)


def test_the_owners_token_still_publishes(job: Job) -> None:
    job.publish(PACKAGE_INDEX_TOKEN=job.front.account)


@pytest.mark.parametrize("action", ["drop-after", "drop-before", "status"])
@pytest.mark.parametrize("path", ["/_/oidc/audience", "/_/oidc/mint-token", "/root/release/$"])
def test_a_fault_in_passing_is_overcome_by_a_fresh_token(job: Job, action: str, path: str) -> None:
    """After a lost answer the identity token counts as used."""
    job.front.served.fault(path=path, occurrence=1, action=action)
    job.publish()


def test_an_unknown_refusal_is_told_as_the_index_says_it(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rehearsal.index import minting  # noqa: PLC0415

    def refuse(*_: object) -> None:
        raise minting.MintError("new-rule", "a rule of tomorrow")

    monkeypatch.setattr(minting, "mint", refuse)
    error = job.refused()
    assert re.search(r"a rule of tomorrow \(new-rule", error.cause)
