import base64
from dataclasses import dataclass

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.gateway import registry_auth
from rehearsal.gateway.registry_auth import parse_scopes, repository_of
from tests.rehearsal.conftest import World

NAME = st.from_regex(r"[a-z0-9]+(/[a-z0-9]+)?", fullmatch=True)


@given(NAME, st.sets(st.sampled_from(["pull", "push", "delete"]), min_size=1))
def test_scopes_are_read(name: str, actions: set[str]) -> None:
    text = f"repository:{name}:{','.join(sorted(actions))}"
    assert parse_scopes(text) == {(name, action) for action in actions}
    assert parse_scopes(f"{text} registry:catalog:* repository:x") == parse_scopes(text)


@given(NAME, st.sampled_from(["manifests/v1", "blobs/uploads/", "tags/list", "blobs/sha256:0"]))
def test_the_repository_of_a_path_is_found(name: str, rest: str) -> None:
    assert repository_of(f"/v2/{name}/{rest}") == name


def test_the_root_is_of_no_repository() -> None:
    assert repository_of("/v2/") == ""


@dataclass(frozen=True)
class Hub:
    """The world's registry as a client of Docker Hub's protocol meets it."""

    url: str
    username: str
    password: str

    def token(self, scope: str, password: str | None = "") -> str:
        auth = None if password is None else (self.username, password or self.password)
        answer = requests.get(f"{self.url}/token", params={"scope": scope}, auth=auth, timeout=60)
        answer.raise_for_status()
        return str(answer.json()["token"])

    def push(self, token: str, name: str = "somebody/other") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.url}/v2/{name}/blobs/uploads/"
        return requests.post(url, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def hub(world: World) -> Hub:
    where = world.endpoints
    return Hub(f"http://{where.registry}", where.registry_username, where.registry_token)


PUSH = "repository:somebody/other:pull,push"


@pytest.mark.world
def test_a_stranger_is_sent_to_the_token_service(hub: Hub) -> None:
    answer = requests.get(f"{hub.url}/v2/", timeout=60)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith(f'Bearer realm="{hub.url}/token"')
    assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"


@pytest.mark.world
def test_the_account_pushes_below_its_own_name(hub: Hub) -> None:
    assert hub.push(hub.token(PUSH)).status_code == 202


@pytest.mark.world
@pytest.mark.parametrize(
    ("scope", "anonymous", "name"),
    [
        (PUSH, True, "somebody/other"),
        ("repository:somebody/other:pull", False, "somebody/other"),
        ("repository:library/python:pull,push", False, "library/python"),
        (PUSH, False, "somebody/third"),
    ],
)
def test_a_token_that_does_not_suffice_is_denied(
    hub: Hub, scope: str, anonymous: bool, name: str
) -> None:
    answer = hub.push(hub.token(scope, None if anonymous else ""), name)
    assert answer.status_code == 401
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert answer.json()["errors"][0]["code"] == "DENIED"


@pytest.mark.world
def test_a_token_dies(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub.push("invented").status_code == 401
    account = registry_auth.Account("u", "p", ("u",))
    authority = registry_auth.TokenAuthority(account)
    monkeypatch.setattr("rehearsal.gateway.registry_auth.LIFETIME", -1)
    old = authority._issue([PUSH], known=True)
    new = authority._issue([PUSH], known=True)
    assert old not in authority._tokens
    assert new in authority._tokens


@pytest.mark.world
@pytest.mark.parametrize(
    "header",
    ["Basic " + base64.b64encode(b"somebody:wrong").decode(), "Basic ///", "Bearer x", "Basic"],
)
def test_wrong_credentials_are_refused_at_the_token_service(hub: Hub, header: str) -> None:
    answer = requests.get(f"{hub.url}/token", headers={"Authorization": header}, timeout=60)
    assert answer.status_code == 401


@pytest.mark.world
def test_the_oauth_form_gives_a_token_and_a_refresh_token(hub: Hub) -> None:
    form = {"grant_type": "password", "username": hub.username, "password": hub.password}
    form |= {"scope": PUSH, "access_type": "offline", "service": "x", "client_id": "test"}
    first = requests.post(f"{hub.url}/token", data=form, timeout=60).json()
    assert hub.push(first["access_token"]).status_code == 202
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = requests.post(f"{hub.url}/token", data=again | {"scope": PUSH}, timeout=60).json()
    assert hub.push(second["access_token"]).status_code == 202
    refused = requests.post(f"{hub.url}/token", data=form | {"password": "no"}, timeout=60)
    assert refused.status_code == 401
