"""What holds for every address: tokens, errors, headers, pages of lists, what is a write."""

import base64
import re

import pytest
import requests
from aiohttp.test_utils import make_mocked_request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rehearsal.github.app import is_write
from rehearsal.github.auth import secret_of
from tests.rehearsal.github.conftest import Served, World, git
from tests.rehearsal.github.openapi import DESCRIPTION, Description


def test_anybody_reads_what_is_public(hub: Served) -> None:
    for path in ("", "/releases", "/tags", "/pulls", "/contents/docs"):
        assert hub.api("GET", path, "").status_code == 200, path


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        ("", 401, "Requires authentication"),
        ("wrong", 401, "Bad credentials"),
        ("reader", 403, "Resource not accessible by integration"),
    ],
)
def test_a_write_needs_its_permission(hub: Served, token: str, status: int, message: str) -> None:
    answer = hub.api("POST", "/releases", token, json={"tag_name": "v1"})
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert answer.json()["status"] == str(status)


def test_a_wrong_token_reads_nothing(hub: Served) -> None:
    assert hub.api("GET", "/releases", "wrong").json()["message"] == "Bad credentials"


@pytest.mark.parametrize(
    "path", ["/nothing", "/releases/x", "/releases/99", "/pulls/²", "/git/ref"]
)
def test_an_unknown_address_is_a_404(hub: Served, path: str) -> None:
    answer = hub.api("GET", path)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    assert hub.api("PUT", "/releases").status_code == 404


def test_names_ignore_case_and_another_repository_is_none(hub: Served) -> None:
    def get(name: str) -> int:
        return requests.get(f"{hub.base}/api/v3/repos/{name}/tags", timeout=60).status_code

    assert get("MRILIKECODING/streamposeml") == 200
    assert get("mrilikecoding/other") == 404


def test_every_answer_has_githubs_headers(hub: Served) -> None:
    for answer in (hub.api("GET", "/tags"), hub.api("GET", "/nothing"), hub.api("HEAD", "/tags")):
        assert answer.headers["X-GitHub-Request-Id"]
        assert int(answer.headers["X-RateLimit-Remaining"]) > 0
        assert int(answer.headers["X-RateLimit-Reset"]) > 0


def test_all_addresses_in_answers_are_of_the_outermost_origin(hub: Served) -> None:
    draft = hub.repo().create_git_release("v1", "x", "y", draft=True)
    draft.upload_asset(__file__, name="a")
    for path in ("", "/releases", "/tags", "/branches/main", "/contents/docs"):
        for address in re.findall(r'"(https?://[^"]+)"', hub.api("GET", path).text):
            assert address.startswith(f"{hub.base}/"), address


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("token T", "T"),
        ("Bearer T", "T"),
        ("bearer  T", "T"),
        ("Basic " + base64.b64encode(b"x-access-token:T").decode(), "T"),
        ("basic " + base64.b64encode(b"T:").decode(), "T"),
        ("basic " + base64.b64encode(b"T:x-oauth-basic").decode(), "T"),
        ("Basic ***", ""),
    ],
)
def test_tokens_come_in_many_headers(header: str, secret: str) -> None:
    assert secret_of(header) == secret


@pytest.mark.parametrize(
    ("method", "path", "write"),
    [
        ("GET", "/api/v3/repos/o/n/releases", False),
        ("HEAD", "/o/n", False),
        ("POST", "/api/v3/repos/o/n/releases", True),
        ("DELETE", "/api/v3/repos/o/n/releases/1", True),
        ("POST", "/api/uploads/repos/o/n/releases/1/assets", True),
        ("POST", "/o/n.git/git-upload-pack", False),
        ("POST", "/o/n.git/git-receive-pack", True),
        ("GET", "/o/n.git/info/refs?service=git-receive-pack", False),
    ],
)
def test_what_is_a_write(method: str, path: str, write: bool) -> None:
    assert is_write(make_mocked_request(method, path)) is write


TAGS = 23


class TestPages:
    """Lists come in pages, with links to the others."""

    @pytest.fixture
    def hub(self, world: World) -> Served:
        for number in range(TAGS - 1):
            git("update-ref", f"refs/tags/t{number}", "main", cwd=world.bare)
        return world.serve()

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15
    )
    @given(size=st.integers(1, 30))
    def test_following_next_gives_all_of_it_once(self, hub: Served, size: int) -> None:
        names, url = [], hub.settings.api(f"/tags?per_page={size}")
        pages = 0
        while url:
            answer = requests.get(url, timeout=60)
            assert len(answer.json()) <= size
            names += [tag["name"] for tag in answer.json()]
            url, pages = answer.links.get("next", {}).get("url"), pages + 1
            assert pages <= TAGS, "the pages lead in a circle"
        assert len(names) == len(set(names)) == TAGS
        assert pages == -(-TAGS // size)

    def test_links_lead_everywhere(self, hub: Served) -> None:
        links = hub.api("GET", "/tags?per_page=5&page=3").links
        pages = {rel: re.search(r"[?&]page=(\d+)", link["url"])[1] for rel, link in links.items()}  # type: ignore[index]
        assert pages == {"prev": "2", "first": "1", "next": "4", "last": "5"}
        assert all("per_page=5" in link["url"] for link in links.values())

    @pytest.mark.parametrize("query", ["per_page=0", "per_page=x", "page=-1", "page=0"])
    def test_a_wrong_page_is_the_first_of_usual_size(self, hub: Served, query: str) -> None:
        assert 1 <= len(hub.api("GET", f"/tags?{query}").json()) <= 30

    def test_a_page_beyond_the_last_is_empty(self, hub: Served) -> None:
        assert hub.api("GET", "/tags?page=9").json() == []


@pytest.mark.skipif(not DESCRIPTION.exists(), reason=f"{DESCRIPTION} is absent")
def test_the_description_finds_a_wrong_answer() -> None:
    description = Description()
    schema = {"$ref": "#/components/schemas/release-asset"}
    description.hold("here", schema, {"url": 7, "state": "lost"})
    found = " ".join(description.problems)
    assert "'digest' is a required property" in found
    assert "'lost' is not one of" in found
    assert "7 is not of type 'string'" in found
