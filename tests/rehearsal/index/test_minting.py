"""Trusted publishing: one job of one workflow gets a token, and everybody else is refused."""

import dataclasses
import time
from typing import Any

import jwt
import pytest
import requests

from rehearsal.github.oidc import Issuer
from rehearsal.index.state import Project, Publisher
from tests.rehearsal.index.conftest import PUBLISHER, Index, dists

NOW = time.time()


def refused(answer: requests.Response) -> tuple[str, str]:
    """Return the code and the description of a refusal in the public index's form."""
    assert answer.status_code == 422
    body = answer.json()
    assert body["message"] == "Token request failed"
    (error,) = body["errors"]
    return error["code"], error["description"]


def test_a_pending_publisher_makes_the_project_and_uploads_to_it(front: Index, thing: str) -> None:
    assert front.page(thing).status_code == 404
    answer = front.mint(front.identity()).json()
    assert answer["success"] is True
    assert front.state.pending == {}
    for name, content in dists(thing).items():
        assert front.upload(answer["token"], name, content).reason == "OK"
    assert sorted(front.names(thing)) == sorted(dists(thing))
    # From now on it is a publisher like any other.
    assert front.token()


def test_a_pending_publisher_of_a_project_that_is_there_is_refused(
    front: Index, thing: str
) -> None:
    front.change(projects={thing: Project()})
    code, _ = refused(front.mint(front.identity()))
    assert code == "invalid-pending-publisher"


def test_a_token_is_for_its_publishers_projects_only(front: Index, thing: str) -> None:
    token, other = front.token(), f"{thing}x"
    (name, content), _ = dists(other).items()
    answer = front.upload(token, name, content)
    assert (answer.status_code, "cannot create new projects" in answer.reason) == (400, True)
    front.change(projects={**front.state.projects, other: Project()})
    answer = front.upload(token, name, content)
    assert (answer.status_code, "isn't allowed to upload" in answer.reason) == (403, True)


def test_an_identity_token_is_valid_once(front: Index) -> None:
    identity = front.identity()
    assert front.mint(identity).ok
    assert refused(front.mint(identity))[0] == "invalid-reuse-token"


@pytest.mark.parametrize(
    "claims",
    [
        {"now": NOW - 400},
        {"now": NOW + 100_000},
        {"audience": "another-index"},
    ],
)
def test_an_expired_token_and_one_for_others_are_refused(
    front: Index, claims: dict[str, Any]
) -> None:
    assert refused(front.mint(front.identity(**claims)))[0] == "invalid-token"


def test_clocks_may_differ_by_some_seconds(front: Index) -> None:
    assert front.mint(front.identity(now=time.time() - 310)).ok
    assert front.mint(front.identity(now=time.time() + 10)).ok


def test_a_token_that_somebody_else_signed_is_refused(front: Index, tmp_path_factory: Any) -> None:
    forged = Issuer(front.issuer.url, tmp_path_factory.mktemp("other"))
    claims = jwt.decode(front.identity(), options={"verify_signature": False})
    assert refused(front.mint(forged.issue(claims, front.audience())))[0] == "invalid-token"
    stranger = Issuer("http://stranger.invalid", tmp_path_factory.mktemp("stranger"))
    code, description = refused(front.mint(stranger.issue(claims, front.audience())))
    assert (code, description) == ("invalid-payload", "unknown trusted publishing issuer")
    for nonsense in ("x", "a.b.c", 7):
        assert refused(front.mint(nonsense))[0] == "invalid-payload"


OTHER = "mari/other/.github/workflows/release.yml@refs/heads/main"


@pytest.mark.parametrize(
    "claims",
    [
        {"repository": "mari/other", "job_workflow_ref": OTHER},
        {"repository": "noa/thing", "job_workflow_ref": OTHER.replace("mari/other", "noa/thing")},
        {"repository_owner_id": "7"},
        {"environment": "release"},
        {"environment": None},
        {"job_workflow_ref": "mari/thing/.github/workflows/ci.yml@refs/heads/main"},
        {"job_workflow_ref": OTHER},
        {"job_workflow_ref": "mari/thing/.github/workflows/release.yml@refs/heads/other"},
        {"job_workflow_ref": "nonsense"},
        {"event_name": "pull_request_target"},
        {"sha": None},
    ],
)
def test_another_job_is_no_publisher(front: Index, thing: str, claims: dict[str, Any]) -> None:
    front.change(pending={}, projects={thing: Project([PUBLISHER])})
    code, description = refused(front.mint(front.identity(**claims)))
    assert code == "invalid-publisher"
    assert description.startswith("valid token, but no corresponding publisher")


def test_the_journal_says_what_to_register_and_holds_no_token(front: Index) -> None:
    front.change(pending={})
    identity = front.identity()
    front.mint(identity)
    (entry,) = [one for one in front.served.journal() if one.status == 422]
    assert "mari/thing, workflow release.yml, environment pypi" in entry.remedy
    assert identity not in (front.served.folder / "journal.jsonl").read_text()


@pytest.mark.parametrize("environment", ["pypi", "PyPI", None])
def test_a_publisher_without_an_environment_takes_every_one(
    front: Index, thing: str, environment: str | None
) -> None:
    open_ = dataclasses.replace(PUBLISHER, environment="")
    front.change(pending={}, projects={thing: Project([open_])})
    assert front.token(environment=environment)


def test_a_publisher_with_the_environment_comes_first(front: Index, thing: str) -> None:
    open_ = dataclasses.replace(PUBLISHER, environment="")
    front.change(pending={}, projects={thing: Project([PUBLISHER]), f"{thing}x": Project([open_])})
    (name, content), _ = dists(f"{thing}x").items()
    assert front.upload(front.token(), name, content).status_code == 403
    assert front.upload(front.token(environment="other"), name, content).reason == "OK"


def test_an_upload_token_ends_after_a_quarter_of_an_hour(front: Index, thing: str) -> None:
    token = front.token()
    (one,) = [upload for upload in front.state.tokens.values() if upload.publisher]
    tokens = {
        key: dataclasses.replace(value, expires=1) for key, value in front.state.tokens.items()
    }
    made = front.mint(front.identity()).json()
    assert made["expires"] - one.expires < 60
    front.change(tokens=tokens)
    (name, content), _ = dists(thing).items()
    answer = front.upload(token, name, content)
    assert (answer.status_code, answer.reason) == (403, "Invalid API Token: token is expired")


def test_no_file_holds_a_token(front: Index) -> None:
    token = front.token()
    for path in front.folder.rglob("*"):
        assert token not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0


def test_a_workflow_with_yaml_at_its_end_can_publish(front: Index, thing: str) -> None:
    other = Publisher("mari", PUBLISHER.owner_id, "thing", "publish.yaml")
    front.change(pending={}, projects={thing: Project([other])})
    place = "mari/thing/.github/workflows/publish.yaml"
    assert front.token(job_workflow_ref=f"{place}@refs/heads/main")
    assert front.token(job_workflow_ref=f"{place}@{'1' * 40}")
