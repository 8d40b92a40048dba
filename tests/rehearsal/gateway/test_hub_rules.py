"""Docker Hub's rules before a real registry: limited pulls, tags that stay, no referrers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rehearsal.gateway.hub_rules import WINDOW, Pulls
from tests.support.registry import INDEX, MANIFEST, TOKEN, USER, SmallRegistry, registry

pytestmark = pytest.mark.service
REPOSITORY = "mari/thing"
READ = """\
import sys, requests
url, token, times, method, kind = sys.argv[1:]
for _ in range(int(times)):
    headers = {"Authorization": f"Bearer {token}", "Accept": kind}
    answer = requests.request(method, url, headers=headers, timeout=60)
    left, after = answer.headers.get("ratelimit-remaining"), answer.headers.get("Retry-After")
    print(answer.status_code, left, after, answer.text.strip())
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRegistry]:
    rules = {"strangers": 2, "account": 3, "immutable": r"v\d.*"}
    with registry(tmp_path_factory.mktemp("r"), **rules) as made:
        yield made


def token(hub: SmallRegistry, *, login: bool = False, actions: str = "pull") -> str:
    scope = {"scope": f"repository:{REPOSITORY}:{actions}"}
    auth = (USER, TOKEN) if login else None
    answer = requests.get(f"{hub.served.url}/token", params=scope, auth=auth, timeout=60)
    return str(answer.json()["token"])


def manifest(hub: SmallRegistry, reference: str) -> str:
    return f"{hub.served.url}/v2/{REPOSITORY}/manifests/{reference}"


def read(
    hub: SmallRegistry, job: str, times: int, method: str = "GET", run: str = "1"
) -> list[list[str]]:
    """Read a manifest without a login, as a program that a job starts."""
    mine = {"GITHUB_JOB": job, **({"REHEARSAL_RUN": run} if run else {})} if job else {}
    digest = hub.push(REPOSITORY, {}, "amd64")
    shell = f'{sys.executable} -c "$READ" "$@"'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", manifest(hub, digest), token(hub), str(times), method, MANIFEST],
        env={"PATH": os.defpath, "READ": READ, **mine},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.split(" ", 3) for line in done.stdout.splitlines()]


def test_pulls_of_strangers_are_limited_for_each_job(hub: SmallRegistry) -> None:
    first, second, third = read(hub, "plan", 3)
    assert (first[0], second[0]) == ("200", "200")
    assert (first[1], second[1]) == (f"1;w={WINDOW}", f"0;w={WINDOW}")
    assert third[0] == "429"
    assert WINDOW - 60 < int(third[2]) <= WINDOW
    assert '"TOOMANYREQUESTS"' in third[3]
    assert "You have reached your unauthenticated pull rate limit." in third[3]
    assert read(hub, "audit", 1)[0][0] == "200"


def test_a_version_check_is_free(hub: SmallRegistry) -> None:
    assert {one[0] for one in read(hub, "check", 5, "HEAD")} == {"200"}


def test_what_is_not_there_is_no_pull(hub: SmallRegistry) -> None:
    headers = {"Authorization": f"Bearer {token(hub, login=True)}"}
    for _ in range(5):
        assert requests.get(manifest(hub, "gone"), headers=headers, timeout=60).status_code == 404


def test_pulls_of_no_job_are_not_limited(hub: SmallRegistry) -> None:
    assert {one[0] for one in read(hub, "", 5)} == {"200"}
    assert {one[0] for one in read(hub, "rehearsal", 5, run="")} == {"200"}  # CI's own job


def test_the_same_job_of_another_run_has_its_own_limit(hub: SmallRegistry) -> None:
    for run in ("2", "3"):
        assert {one[0] for one in read(hub, "stage", 2, run=run)} == {"200"}


def test_an_accounts_pulls_are_counted_together(tmp_path: Path) -> None:
    with registry(tmp_path, account=1) as made:
        digest = made.push(REPOSITORY, {}, "amd64")
        headers = {"Authorization": f"Bearer {token(made, login=True)}", "Accept": MANIFEST}
        assert requests.get(manifest(made, digest), headers=headers, timeout=60).ok
        refused = requests.get(manifest(made, digest), headers=headers, timeout=60)
    assert refused.status_code == 429
    assert "You have reached your pull rate limit." in refused.text


def test_after_six_hours_a_pull_does_not_count() -> None:
    now = [0.0]
    pulls = Pulls(lambda: now[0])
    pulls.add("plan")
    now[0] = WINDOW - 1.0
    assert (pulls.used("plan"), pulls.wait("plan")) == (1, 1)
    now[0] = WINDOW
    assert (pulls.used("plan"), pulls.wait("plan")) == (0, 0)


def put(hub: SmallRegistry, text: str, tag: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token(hub, login=True, actions='pull,push')}"}
    content = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [],
        "annotations": {"text": text},
    }
    kind = {"Content-Type": INDEX}
    url = manifest(hub, tag)
    return requests.put(url, json=content, headers={**headers, **kind}, timeout=60)


def test_an_immutable_tag_is_written_once(hub: SmallRegistry) -> None:
    assert put(hub, "one", "v1").status_code == 201
    refused = put(hub, "two", "v1")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "DENIED"
    assert "the tag v1 is immutable" in refused.text
    assert "push another tag" in next(e.remedy for e in hub.served.journal() if e.status == 403)
    assert put(hub, "one", "v1").status_code == 403  # the same bytes are not taken either


def test_other_tags_move(hub: SmallRegistry) -> None:
    for content in ("one", "two"):
        assert put(hub, content, "latest").status_code == 201


def test_there_is_no_list_of_referrers(hub: SmallRegistry) -> None:
    digest = hub.push(REPOSITORY, {}, "amd64")
    url = f"{hub.served.url}/v2/{REPOSITORY}/referrers/{digest}"
    answer = requests.get(url, headers={"Authorization": f"Bearer {token(hub)}"}, timeout=60)
    assert answer.status_code == 404
