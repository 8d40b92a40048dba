"""What the front lets be uploaded, as the public index does, and what it then shows."""

import base64
import hashlib
import json
import time
from typing import Any

import pytest
import requests

from rehearsal.index.upload_rules import DAY
from tests.rehearsal.index.conftest import Index, dists
from tests.support.dists import sdist, wheel


def said(answer: requests.Response) -> str:
    """Return a refusal's reason, which is what clients show."""
    assert answer.status_code == 400, answer.reason
    return str(answer.reason)


@pytest.fixture
def name(thing: str) -> str:
    return f"{thing}-1.0-py3-none-any.whl"


@pytest.fixture
def content(thing: str) -> bytes:
    return wheel(thing, "1.0")


def test_the_same_bytes_are_no_news_and_others_are_refused(
    front: Index, thing: str, name: str, content: bytes
) -> None:
    token = front.token()
    for _ in range(2):
        assert front.upload(token, name, content).reason == "OK"
    assert said(front.upload(token, name, wheel(thing, "1.0", new="x"))).startswith(
        f"File already exists ('{name}', with blake2_256 hash '"
    )
    other = f"{thing}-1.0-py2-none-any.whl"
    assert "already exists" in said(front.upload(token, other, content))
    assert front.names(thing) == [name]


def test_a_deleted_files_name_is_never_free_again(
    front: Index, thing: str, name: str, content: bytes
) -> None:
    token = front.token()
    assert front.upload(front.account, name, content).ok
    url = f"{front.served.url}/root/release/{thing}/1.0"
    job = requests.delete(url, auth=("__token__", token), timeout=20)
    assert (job.status_code, front.names(thing)) == (403, [name])
    assert requests.delete(url, auth=("__token__", front.account), timeout=20).ok
    assert front.names(thing) == []
    for one in (content, wheel(thing, "1.0", new="x")):
        assert "previously used by a file" in said(front.upload(front.account, name, one))


def test_a_release_closes_after_two_weeks(front: Index, thing: str) -> None:
    token = front.token()
    (name, content), (second, later) = dists(thing).items()
    assert front.upload(token, name, content).ok
    files = front.state.files
    files[name].uploaded = time.time() - 14 * DAY + 60
    front.change(files=files)
    assert front.upload(token, second, later).ok
    files = front.state.files
    files[name].uploaded = time.time() - 14 * DAY - 60
    front.change(files=files)
    third = f"{thing}-1.0-py2-none-any.whl"
    assert "older than 14 days" in said(front.upload(token, third, wheel(thing, "1.0", a="b")))
    assert front.upload(token, second, later).ok  # nothing new
    assert front.upload(token, f"{thing}-1.1.tar.gz", sdist(thing, "1.1")).ok


@pytest.mark.parametrize("status", ["archived", "quarantined", "deprecated"])
def test_the_status_of_a_project_decides(
    front: Index, thing: str, name: str, content: bytes, status: str
) -> None:
    token = front.token()
    assert front.upload(token, name, content).ok
    projects = front.state.projects
    projects[thing].status, projects[thing].reason = status, "because"
    front.change(projects=projects)
    answer = front.upload(token, f"{thing}-1.1.tar.gz", sdist(thing, "1.1"))
    assert answer.status_code == (200 if status == "deprecated" else 403)
    page = front.page(thing).json()
    assert page["project-status"] == {"status": status, "reason": "because"}
    assert (len(page["files"]) == 0) == (status == "quarantined")
    if not answer.ok:
        (entry,) = [one for one in front.served.journal() if one.status == 403]
        assert f"the project is {status}: because" in entry.remedy


@pytest.mark.parametrize(
    ("login", "token"), [("__token__", "pypi-wrong"), ("mari", ""), ("__token__", "")]
)
def test_who_is_not_known_uploads_nothing(
    front: Index, name: str, content: bytes, login: str, token: str
) -> None:
    auth = (login, token or front.account if login != "__token__" else token)
    files = {"content": (name, content)}
    answer = requests.post(f"{front.served.url}/root/release/", files=files, auth=auth, timeout=20)
    assert answer.status_code == 403
    assert answer.reason == "Invalid or non-existent authentication information."


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"protocol_version": "2"}, "Unknown protocol version"),
        ({"filetype": "bdist_egg"}, "filetype"),
        ({"pyversion": "source"}, "Python version"),
        ({"sha256_digest": None}, "at least one message digest"),
        ({"sha256_digest": "0" * 64}, "digest supplied does not match"),
        ({"md5_digest": "0" * 32}, "digest supplied does not match"),
        ({"blake2_256_digest": "0" * 64}, "digest supplied does not match"),
        ({"name": None}, "name"),
        ({"name": "-x"}, "name"),
        ({"version": "one"}, "version"),
        ({"version": "1.0+local"}, "local versions"),
        ({"version": "1.1"}, "Version in filename should be '1.1'"),
        ({"metadata_version": "9.9"}, "metadata"),
        ({"requires_python": "snake"}, "requires-python"),
    ],
)
def test_a_form_that_says_something_wrong_is_refused(
    front: Index, name: str, content: bytes, form: dict[str, str | None], reason: str
) -> None:
    assert reason in said(front.upload(front.account, name, content, **form))
    assert name not in front.state.files


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("{}-1.0-py3-none.whl", "Invalid file name"),
        ("{}-1.0.zip", "Invalid file name"),
        ("{}-1.0-py3-none-any.whl", "zip"),
    ],
)
def test_a_file_that_is_no_distribution_is_refused(
    front: Index, thing: str, wrong: str, reason: str
) -> None:
    form = {"filetype": "bdist_wheel", "pyversion": "py3", "version": "1.0", "name": thing}
    answer = front.upload(front.account, wrong.format(thing), b"nothing", **form)
    assert reason in said(answer)


def test_a_file_without_its_metadata_is_refused(front: Index, thing: str, name: str) -> None:
    other = wheel("other", "1.0")
    assert f"{thing}-1.0.dist-info/METADATA not found" in said(
        front.upload(front.account, name, other)
    )
    sdist_name = f"{thing}-1.0.tar.gz"
    reason = said(front.upload(front.account, sdist_name, sdist("other", "1.0")))
    assert f"{thing}-1.0/PKG-INFO not found" in reason


def test_a_name_must_be_written_as_the_rules_say(front: Index, thing: str) -> None:
    made = wheel(f"{thing}_x", "1.0")
    form = {"name": f"{thing}.x"}
    good, bad = f"{thing}_x-1.0-py3-none-any.whl", f"{thing}.x-1.0-py3-none-any.whl"
    assert "should begin with" in said(front.upload(front.account, bad, made, **form))
    assert front.upload(front.account, good, made, **form).ok


def test_a_release_has_one_sdist(front: Index, thing: str) -> None:
    form = {"name": thing, "version": "1.0"}
    assert front.upload(front.account, f"{thing}-1.0.tar.gz", sdist(thing, "1.0")).ok
    answer = front.upload(front.account, f"{thing}-1.0.0.tar.gz", sdist(thing, "1.0.0"), **form)
    assert "Only one sdist" in said(answer)


def test_a_page_lags_behind_what_was_uploaded(
    front: Index, thing: str, name: str, content: bytes
) -> None:
    front.change(lag=3600)
    assert front.upload(front.account, name, content).ok
    assert front.names(thing) == []
    front.change(lag=0)
    assert front.names(thing) == [name]


def test_a_page_says_all_that_clients_read(
    front: Index, thing: str, name: str, content: bytes
) -> None:
    assert front.upload(front.account, name, content).ok
    page = front.page(thing).json()
    (file,) = page["files"]
    assert (page["meta"]["api-version"], page["versions"], page["name"]) == ("1.4", ["1.0"], thing)
    assert file["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (file["size"], file["provenance"]) == (len(content), None)
    url = requests.compat.urljoin(front.page(thing).url, file["url"])
    assert requests.get(url, timeout=20).content == content
    html = front.page(thing, accept="text/html")
    assert f">{name}</a>" in html.text
    assert html.headers["Content-Type"].startswith("text/html")


PUBLISH = "https://index.invalid/attestations/publish/v1"
SLSA = "https://slsa.dev/provenance/v1"


def attestation(name: str, content: bytes, kind: str = PUBLISH, **more: Any) -> dict[str, Any]:
    subject = {"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
    statement = {"subject": [subject], "predicateType": kind, "predicate": None}
    text = base64.b64encode(json.dumps(statement).encode()).decode()
    return {
        "version": 1,
        "verification_material": {"certificate": "MII=", "transparency_entries": []},
        "envelope": {"statement": text, "signature": "c2ln"},
        **more,
    }


def provenance(front: Index, thing: str, name: str) -> requests.Response:
    url = f"{front.served.url}/integrity/{thing}/1.0/{name}/provenance"
    return requests.get(url, timeout=20)


def test_attestations_are_kept_and_served_with_their_publisher(
    front: Index, thing: str, name: str, content: bytes
) -> None:
    given = [attestation(name, content), attestation(name, content, SLSA)]
    answer = front.upload(front.token(), name, content, attestations=json.dumps(given))
    assert answer.reason == "OK"
    (file,) = front.page(thing).json()["files"]
    served = requests.get(file["provenance"], timeout=20)
    assert served.headers["Content-Type"] == "application/vnd.pypi.integrity.v1+json"
    (bundle,) = served.json()["attestation_bundles"]
    assert bundle["attestations"] == given
    assert bundle["publisher"] == {
        "kind": "GitHub",
        "repository": "mari/thing",
        "workflow": "release.yml",
        "environment": "pypi",
    }


def test_a_file_without_attestations_has_no_provenance(
    front: Index, thing: str, name: str, content: bytes
) -> None:
    assert front.upload(front.account, name, content).ok
    answer = provenance(front, thing, name)
    assert (answer.status_code, answer.json()["message"]) == (
        404,
        f"No provenance available for {name}",
    )


def test_attestations_are_about_this_file_and_each_kind_once(
    front: Index, name: str, content: bytes
) -> None:
    mine = attestation(name, content)
    other = attestation(name, b"other")
    for given, reason in (
        ([], "empty"),
        ("x", "Malformed"),
        ([{}], "Malformed"),
        ([attestation(name, content, version=2)], "Could not verify"),
        ([other], "Could not verify"),
        ([attestation("other.whl", content)], "Could not verify"),
        ([mine, mine], "same predicate type"),
        ([mine, mine, mine], "A maximum of 2"),
        ([attestation(name, content, "https://x.invalid/y")], "unsupported predicate type"),
    ):
        text = given if isinstance(given, str) else json.dumps(given)
        answer = front.upload(front.token(), name, content, attestations=text)
        assert reason in said(answer)
    answer = front.upload(front.account, name, content, attestations=json.dumps([mine]))
    assert "only supported when using Trusted Publishing" in said(answer)
