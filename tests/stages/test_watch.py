"""The watch of past releases: one issue for each finding, closed when a release has cleared it."""

import json
import shutil
from dataclasses import replace

import pytest

from rehearsal.github.settings import Token
from rehearsal.world import provision
from rehearsal.world.advisories import Advisory, write
from scripts.core import lockfile
from scripts.core.errors import ConflictError, ServiceError, UsageError
from tests.conftest import READER, TOKENS, WRITER
from tests.support.releases import INSTALLED, PLATFORMS, Releases

pytestmark = pytest.mark.service

SCANNED = '\n[tool.release.scan]\nstop = "fixable high"\n'
HARMLESS = Advisory("PYSEC-2026-0", "PyPI", "nothing")
OLD = Advisory("DEBIAN-CVE-2026-1", "Debian:13", "zlib")
NEW = Advisory("PYSEC-2026-2", "PyPI", "jinja2", fixed="3.1.6", aliases=("CVE-2026-2",))
KEEPER = "keeper"
BASE = "mari/python"


@pytest.fixture
def bench(released: Releases) -> Releases:
    """Four releases are out, the last on a base image that is there; the policy came later."""
    tokens = {**TOKENS, KEEPER: Token("github-actions[bot]", {"issues": "write"})}
    build_on(released, base(released, "first"))
    released.release("0.3.1")
    shutil.copytree(released.folder / "github-0", released.folder / "github-1")
    released.github = released.serve_github(tokens=tokens)
    configure(released, SCANNED)
    advise(released, OLD)
    return released


def configure(bench: Releases, more: str) -> None:
    bench.begin()
    text = (bench.project.clone / "pyproject.toml").read_text().partition(SCANNED)[0]
    bench.project.commit({"pyproject.toml": text + more})


def patch(bench: Releases) -> None:
    """Release 0.3.2; the policy is for the watch alone, since a release would need the scanner."""
    configure(bench, "")
    bench.release("0.3.2")
    configure(bench, SCANNED)


def base(bench: Releases, label: str) -> str:
    """Push an image index with this label to the tag of the base image; give its digest."""
    digests = [bench.images.push(BASE, {"is": label}, one.partition("/")[2]) for one in PLATFORMS]
    digest = bench.context().registry.join(f"{bench.images.host}/{BASE}", digests)
    bench.images.point(BASE, "3.13-slim", digest)
    return digest


def build_on(bench: Releases, digest: str) -> None:
    """Let the next images be built on that base image of Docker Hub."""
    bench.base = {"base": f"docker.io/{BASE}:3.13-slim", "base_digest": digest}


def advise(bench: Releases, *found: Advisory) -> None:
    debian = [replace(HARMLESS, ecosystem="Debian:13")]
    of = {"PyPI": [HARMLESS], "Debian": debian}
    for one in found:
        of[one.ecosystem.partition(":")[0]].append(one)
    write(bench.folder / "advisories", of)


def watch(bench: Releases, *steps: str, **more: str) -> int:
    """Run the jobs of a watch, each with its own rights; give the writes to GitHub."""
    bench.begin()
    before = len(bench.github.writes())
    alone = {"RELEASE_VERSION": "", "REGISTRY_USERNAME": "", "REGISTRY_TOKEN": ""}
    tools = provision.ensure(["osv-scanner"], lambda _line: None)
    given = {
        "look": {"GITHUB_TOKEN": READER, "DOCKER_HUB_MIRROR": bench.images.host},
        "scan": {
            "GITHUB_TOKEN": "",
            "PATH": f"{tools.bin}:{bench.environment()['PATH']}",
            "VULNERABILITY_DATABASE_URL": (bench.folder / "advisories").as_uri(),
        },
        "issues": {"GITHUB_TOKEN": KEEPER},
        "propose": {"GITHUB_TOKEN": WRITER},
    }
    steps = steps or ("look", "scan", "issues")
    for step in steps:
        bench.step("watch", step, step=step, **{**alone, **given[step], **more})
    return len(bench.github.writes()) - before


def issues(bench: Releases) -> dict[str, str]:
    found = bench.context(GITHUB_TOKEN=READER).forge.repository.get_issues(state="open")
    return {one.title: one.body for one in found}


def test_three_locks_and_two_databases_make_one_issue_and_then_none(bench: Releases) -> None:
    assert watch(bench) == 0
    advise(bench, OLD, NEW)
    assert watch(bench) == 1
    ((title, body),) = issues(bench).items()
    assert title == "v0.3.1 has a known vulnerability: CVE-2026-2 in jinja2"
    assert "Also in v0.3.0, v0.2.5, which" in body
    assert "api-linux-amd64, api-linux-arm64" in body
    assert watch(bench) == 0
    # A release that clears it closes it.
    jinja = replace(INSTALLED[2], package=replace(INSTALLED[2].package, version="3.1.6"))
    bench.installed = (*INSTALLED[:2], jinja)
    patch(bench)
    assert watch(bench) == 2  # a comment, and closed
    assert issues(bench) == {}
    assert watch(bench) == 0


def test_a_base_image_that_moved_is_one_issue_kept_up_to_date(bench: Releases) -> None:
    second = base(bench, "second")
    assert watch(bench) == 1
    ((title, body),) = issues(bench).items()
    assert title == f"The base image docker.io/{BASE}:3.13-slim moved since v0.3.1"
    assert bench.base["base_digest"] in body
    assert f"today: `{second}`" in body
    third = base(bench, "third")
    assert watch(bench) == 1
    assert third in issues(bench)[title]
    build_on(bench, third)
    patch(bench)
    assert watch(bench) == 2
    assert issues(bench) == {}


def test_a_base_image_that_vanished_is_named(bench: Releases) -> None:
    bench.images.remove(BASE, bench.base["base_digest"])
    watch(bench)
    assert list(issues(bench)) == [f"The base image docker.io/{BASE}:3.13-slim is gone"]


def test_a_yanked_dependency_is_named(bench: Releases) -> None:
    name = "jinja2-3.1.2-py3-none-any.whl"
    bench.index.files[name] = b"a wheel"
    bench.index.yanked.add(name)
    watch(bench)
    ((title, body),) = issues(bench).items()
    assert title == "v0.3.1 contains jinja2 3.1.2, which was yanked"
    assert "api-linux-arm64" in body
    bench.index.yanked.clear()
    watch(bench)
    assert issues(bench) == {}


def test_the_end_of_a_runtime_is_read_from_a_table_that_can_be_corrected(bench: Releases) -> None:
    bench.begin()
    bench.project.commit({"ends.toml": '[debian]\nsource = "ours"\n"13" = 2026-01-01\n'})
    configure(bench, f'{SCANNED}\n[tool.release.watch]\nruntimes = "ends.toml"\n')
    watch(bench)
    assert list(issues(bench)) == ["debian 13 reaches its end of life on 2026-01-01"]
    bench.project.commit({"ends.toml": "debian = 1"})
    with pytest.raises(UsageError, match=r"ends\.toml is not a table of runtimes"):
        watch(bench, "look")


def test_a_release_without_the_new_fields_is_named_as_not_scanned(
    bench: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    forge = bench.context(GITHUB_TOKEN=WRITER).forge
    old = without_new_fields(bench, "v0.2.5")
    assert (old.sboms, old.bases, old.scan) == ((), (), None)
    assert watch(bench) == 0
    shown = capsys.readouterr().out
    assert "v0.2.5\n\nNot scanned" in shown
    assert forge.release("v0.2.5")


def test_a_release_without_the_new_fields_can_be_rolled_back_to(bench: Releases) -> None:
    old = without_new_fields(bench, "v0.3.0")
    bench.begin()
    bench.step("rollback", RELEASE_VERSION="0.3.1")
    assert bench.tag("latest") == old.image("api").digest
    assert watch(bench) == 0


def without_new_fields(bench: Releases, tag: str) -> lockfile.Lock:
    """Make a past release one of before the SBOMs: its lock, and what names the lock."""
    forge = bench.context(GITHUB_TOKEN=WRITER).forge
    release = forge.release(tag)
    assert release
    text = forge.asset(release, lockfile.NAME) or b""
    made = replace(lockfile.read(text), sboms=(), bases=(), scan=None)
    new = lockfile.write(made)
    digests = [lockfile.sha256(one) for one in (text, new.encode())]
    release.update_release(release.name, (release.body or "").replace(*digests))
    next(one for one in release.get_assets() if one.name == lockfile.NAME).delete_asset()
    path = bench.folder / lockfile.NAME
    path.write_text(new)
    release.upload_asset(str(path))
    message = bench.context().git.tag_message(tag).replace(*digests)
    bench.project.git("tag", "-afm", message, tag, f"{tag}^{{commit}}")
    bench.project.git("push", "-qf", "origin", tag)
    return made


def test_an_altered_sbom_stops_the_watch_and_nothing_is_written(bench: Releases) -> None:
    release = bench.context(GITHUB_TOKEN=WRITER).forge.release("v0.3.0")
    assert release
    next(one for one in release.get_assets() if one.name == "sboms.zip").delete_asset()
    path = bench.folder / "sboms.zip"
    path.write_bytes(b"PK")
    release.upload_asset(str(path))
    before = bench.github.writes()
    with pytest.raises(ConflictError, match=r"sboms\.zip is not an archive"):
        watch(bench)
    assert bench.github.writes() == before


def test_without_a_database_nothing_is_closed(bench: Releases) -> None:
    advise(bench, NEW)
    watch(bench)
    before = issues(bench)
    with pytest.raises(ServiceError, match=r"has no .*all\.zip"):
        watch(bench, VULNERABILITY_DATABASE_URL="file:///nowhere")
    assert issues(bench) == before


def test_without_the_policy_only_the_rest_is_watched(bench: Releases) -> None:
    advise(bench, NEW)
    configure(bench, "")
    assert watch(bench, VULNERABILITY_DATABASE_URL="file:///nowhere") == 0


def test_a_lost_answer_opens_no_second_issue(bench: Releases) -> None:
    advise(bench, NEW)
    bench.github.fault(method="POST", path="/issues$", occurrence=1, action="drop-after")
    watch(bench)
    assert len(issues(bench)) == 1


@pytest.mark.parametrize(("step", "job"), [("scan", "look"), ("issues", "scan")])
def test_a_step_names_the_job_whose_output_it_lacks(bench: Releases, step: str, job: str) -> None:
    with pytest.raises(UsageError, match=f"needs the output of `watch {job}`"):
        watch(bench, step)


def test_on_a_desk_it_shows_all_and_writes_nothing(
    bench: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    advise(bench, NEW)
    bench.begin()
    before = bench.state()
    tools = provision.ensure(["osv-scanner"], lambda _line: None)
    where = (bench.folder / "advisories").as_uri()
    path = f"{tools.bin}:{bench.environment()['PATH']}"
    given = {"VULNERABILITY_DATABASE_URL": where, "DOCKER_HUB_MIRROR": bench.images.host}
    bench.step("watch", RELEASE_VERSION="", PATH=path, **given)
    assert bench.state() == before
    shown = capsys.readouterr().out
    assert "CVE-2026-2 in jinja2" in shown
    assert "Security: 1 stopping" in shown
    assert json.loads((bench.context().inputs / "watch/found.json").read_text())["outdated"] == [
        "jinja2"
    ]


# The patch release that is proposed.

UPDATE = "refs/heads/watch-update"
REFRESH = (
    "echo {packages} | grep -q -- '--upgrade-package=jinja2' && "
    "sed -i s/3.1.2/3.1.6/ requirements/api.txt backend.py"
)


def proposed(bench: Releases, **more: str) -> int:
    """Watch and propose; give the writes to GitHub."""
    return watch(bench, "look", "scan", "propose", **more)


def update(bench: Releases, path: str) -> str:
    return bench.project.show(bench.project.refs()[UPDATE], path).decode()


def pulls(bench: Releases) -> list[tuple[str, str]]:
    repository = bench.context(GITHUB_TOKEN=READER).forge.repository
    return [(one.title, one.body) for one in repository.get_pulls(state="open")]


def pinned(bench: Releases) -> None:
    bench.begin()
    text = f"FROM docker.io/{BASE}:3.13-slim@{bench.base['base_digest']}\n"
    bench.project.commit({"Dockerfile.api": text})


def test_without_anything_to_clear_nothing_is_proposed(bench: Releases) -> None:
    assert proposed(bench) == 0
    assert UPDATE not in bench.project.refs()


def test_a_moved_base_image_is_proposed_once(bench: Releases) -> None:
    pinned(bench)
    first, second = bench.base["base_digest"], base(bench, "second")
    assert proposed(bench) == 1
    ((title, body),) = pulls(bench)
    assert title == "Update what the last release contains"
    assert f"`{first}` → `{second}`" in body
    assert update(bench, "Dockerfile.api") == f"FROM docker.io/{BASE}:3.13-slim@{second}\n"
    entry = f"- Update the base image docker.io/{BASE}:3.13-slim."
    assert f"## [Unreleased]\n\n### Changed\n\n{entry}\n" in update(bench, "CHANGELOG.md")
    refs = bench.project.refs()
    assert proposed(bench) == 0
    assert bench.project.refs() == refs
    # Moved again, the same branch follows, and so does the text.
    third = base(bench, "third")
    assert proposed(bench) == 1
    assert third in update(bench, "Dockerfile.api")
    ((_, body),) = pulls(bench)
    assert f"`{first}` → `{third}`" in body
    assert proposed(bench) == 0
    # Merged, nothing is left to propose.
    bench.project.git("fetch", "-q", "origin", UPDATE)
    bench.project.git("push", "-q", "origin", "FETCH_HEAD:refs/heads/main")
    refs = bench.project.refs()
    proposed(bench)
    assert bench.project.refs() == refs


def test_a_vulnerable_package_is_updated_in_its_lock(bench: Releases) -> None:
    bench.begin()
    bench.project.commit({"requirements/api.txt": "jinja2==3.1.2\n"})
    own = f'\n[tool.release.watch]\nrefresh = ["sh", "-c", {json.dumps(REFRESH)}]\n'
    configure(bench, SCANNED + own)
    advise(bench, NEW)
    assert proposed(bench) == 1
    assert update(bench, "requirements/api.txt") == "jinja2==3.1.6\n"
    assert "### Security\n\n- Update jinja2, which has known" in update(bench, "CHANGELOG.md")
    ((_, body),) = pulls(bench)
    assert "- jinja2 3.1.2 → 3.1.6: requirements/api.txt\n" in body
    assert "A scan of the updated lock files finds nothing that stops a release." in body
    # Only lock files are taken from a job that ran the project's command.
    main = bench.project.sha("main")
    changed = bench.project.git("diff", "--name-only", main, bench.project.refs()[UPDATE])
    assert changed.split() == ["CHANGELOG.md", "requirements/api.txt"]


def test_an_update_that_clears_nothing_is_told(bench: Releases) -> None:
    bench.begin()
    bench.project.commit({"requirements/api.txt": "jinja2==3.1.2\n"})
    half = REFRESH.replace("3.1.6", "3.1.3")
    own = f'\n[tool.release.watch]\nrefresh = ["sh", "-c", {json.dumps(half)}]\n'
    configure(bench, SCANNED + own)
    advise(bench, NEW)
    assert proposed(bench) == 1
    ((_, body),) = pulls(bench)
    assert "still finds: CVE-2026-2 in jinja2 3.1.3." in body


def test_a_persons_changes_to_the_proposal_stay(bench: Releases) -> None:
    pinned(bench)
    base(bench, "second")
    proposed(bench)
    bench.project.git("fetch", "-q", "origin", UPDATE)
    bench.project.git("checkout", "-q", "FETCH_HEAD")
    mine = bench.project.commit({"Dockerfile.api": "FROM scratch\n"}, branch="watch-update")
    base(bench, "third")
    assert proposed(bench) == 0
    assert bench.project.refs()[UPDATE] == mine


def test_a_refresh_that_fails_stops_no_issue(
    bench: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(bench, f'{SCANNED}\n[tool.release.watch]\nrefresh = ["false"]\n')
    advise(bench, NEW)
    assert watch(bench) == 1
    assert "false" in capsys.readouterr().err
    assert proposed(bench) == 0
