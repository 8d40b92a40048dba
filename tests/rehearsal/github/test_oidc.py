"""Identity tokens: who gets one, what it says, and who can check it."""

from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from rehearsal.github import oidc
from rehearsal.github.settings import Token
from rehearsal.github.tokens import ASKED_AT, MARK, REQUEST_TOKEN, REQUEST_URL, TokenBook, asking
from tests.rehearsal.github.conftest import Served, World

CLAIMS = {
    "ref": "refs/heads/main",
    "sha": "1" * 40,
    "event_name": "workflow_dispatch",
    "actor": "mari",
    "job_workflow_ref": "mrilikecoding/StreamPoseML/.github/workflows/release.yml@refs/heads/main",
    "environment": "pypi",
}
ASKS, ASKS_NOT = {"id_token": "write"}, {"contents": "read", "id_token": "read"}


def issued(served: Served, permissions: dict[str, str], **claims: str) -> str:
    token = Token("github-actions[bot]", permissions, "p", identities={"p": {**CLAIMS, **claims}})
    return TokenBook(served.settings.token_folder).issue(token)


def ask(served: Served, token: str, audience: str = "index") -> requests.Response:
    given = asking(served.base, token)
    headers = {"Authorization": f"bearer {given[REQUEST_TOKEN]}"}
    url = f"{given[REQUEST_URL]}&audience={audience}" if audience else given[REQUEST_URL]
    return requests.get(url, headers=headers, timeout=20)


def checked(served: Served, text: str, audience: str = "index") -> dict[str, Any]:
    """Check a token as a stranger does: by what the issuer publishes."""
    issuer = f"{served.base}{oidc.ISSUER}"
    url = f"{issuer}/.well-known/openid-configuration"
    about = requests.get(url, timeout=20).json()
    keys = requests.get(about["jwks_uri"], timeout=20).json()["keys"]
    key = next(one for one in keys if one["kid"] == jwt.get_unverified_header(text)["kid"])
    assert about["issuer"] == issuer
    found = jwt.decode(text, jwt.PyJWK(key), ["RS256"], audience=audience, issuer=issuer)
    assert set(found) <= set(about["claims_supported"])
    return found


def test_a_job_gets_a_token_that_strangers_can_check(hub: Served) -> None:
    found = checked(hub, ask(hub, issued(hub, ASKS)).json()["value"])
    assert found["sub"] == "repo:mrilikecoding/StreamPoseML:environment:pypi"
    assert CLAIMS.items() <= found.items()
    assert found["repository"] == "mrilikecoding/StreamPoseML"
    assert found["repository_visibility"] == "public"
    repository = hub.api("GET", "").json()
    assert found["repository_id"] == str(repository["id"])
    assert found["repository_owner_id"] == str(repository["owner"]["id"])
    assert (found["exp"] - found["iat"], found["iat"] - found["nbf"]) == (300, 600)


def test_every_token_has_a_number_of_its_own(hub: Served) -> None:
    token = issued(hub, ASKS)
    numbers = {checked(hub, ask(hub, token).json()["value"])["jti"] for _ in range(3)}
    assert len(numbers) == 3


@pytest.mark.parametrize(
    ("claims", "end"),
    [
        ({"environment": ""}, "ref:refs/heads/main"),
        ({"environment": "", "event_name": "pull_request"}, "pull_request"),
        ({"environment": "a:b"}, "environment:a%3Ab"),
    ],
)
def test_the_subject_says_where_the_job_runs(hub: Served, claims: dict[str, str], end: str) -> None:
    found = checked(hub, ask(hub, issued(hub, ASKS, **claims)).json()["value"])
    assert found["sub"] == f"repo:mrilikecoding/StreamPoseML:{end}"


def test_the_subject_of_a_newer_repository_has_ids(world: World) -> None:
    hub = world.serve(immutable_subject=True)
    found = checked(hub, ask(hub, issued(hub, ASKS)).json()["value"])
    owner, name = found["repository_owner_id"], found["repository_id"]
    expected = f"repo:mrilikecoding@{owner}/StreamPoseML@{name}:environment:pypi"
    assert found["sub"] == expected


def test_the_audience_is_the_owner_unless_the_job_names_one(hub: Served) -> None:
    text = ask(hub, issued(hub, ASKS), audience="").json()["value"]
    assert checked(hub, text, f"{hub.base}/mrilikecoding")


def test_a_job_without_the_permission_is_refused_with_what_it_wants(hub: Served) -> None:
    answer = ask(hub, issued(hub, ASKS_NOT))
    assert answer.status_code == 403
    assert answer.headers["X-Accepted-GitHub-Permissions"] == "id_token=write"


def test_the_token_of_a_finished_job_gets_no_other(hub: Served) -> None:
    token = issued(hub, ASKS)
    assert ask(hub, token).status_code == 200
    TokenBook(hub.settings.token_folder).revoke(token)
    assert ask(hub, token).status_code == 401


def test_the_two_tokens_of_a_job_open_nothing_of_each_other(hub: Served) -> None:
    token = issued(hub, {"id_token": "write", "contents": "read"})
    assert hub.api("GET", "/releases", token).status_code == 200
    assert hub.api("GET", "/releases", MARK + token).status_code == 401
    bare = {"Authorization": f"bearer {token}"}
    assert requests.get(f"{hub.base}{ASKED_AT}", headers=bare, timeout=20).status_code == 401
    assert requests.get(f"{hub.base}{ASKED_AT}", timeout=20).status_code == 401


def test_the_key_outlives_the_service_and_is_for_its_owner(tmp_path: Path) -> None:
    first, second = (oidc.Issuer("http://issuer", tmp_path) for _ in range(2))
    assert first.jwks() == second.jwks()
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "d" not in first.jwks()["keys"][0]


def test_an_expired_token_is_told_by_its_time(tmp_path: Path) -> None:
    issuer = oidc.Issuer("http://issuer", tmp_path)
    old = issuer.issue(CLAIMS, "index", now=1_000_000)
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(old, jwt.PyJWK(issuer.jwks()["keys"][0]), ["RS256"], audience="index")
