"""Write the pictures of the documents: the page at work, and a release as people read it.

`make screenshots` writes `docs/images/`: look at the pictures before you commit them. It needs
Chromium, and a font with emoji, such as Debian's package `fonts-noto-color-emoji`.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from rehearsal.github.settings import GitHubSettings
from rehearsal.github.store import Asset, Release, Store
from scripts.core import changelog, notes
from services import browser
from tests.rehearsal.github.conftest import git, run
from tests.services.paging import choose, opened, wait_until
from tests.services.running import ROOT, running_api, running_page

FOLDER = ROOT / "docs" / "images"
LARGEST = 150_000  # bytes of a picture: it is part of every clone
MOMENT, DAY = "2026-01-02T10:30:00Z", "2026-01-02"
TIMELINE_FULL = "performance.now() > 14000"
DEEP = """document.querySelector("#label").textContent === "squat"
  && Math.abs(document.querySelector("#position").value - 42) < 3"""
TAG, BEFORE = "v0.3.0", "v0.2.3"
HEADLINE = "Live labels in the browser"
FLAGS = ("--hide-scrollbars",)
SHA = "3f7a9c1e5b2d8046af13c7e9d5b80264" * 2
SIZES = {"api": 171.4e6, "web": 21.8e6, "mlflow": 243.9e6}
PLATFORMS = ("linux/amd64", "linux/arm64")


def facts(page: str) -> notes.NotesFacts:
    """Return an example: what the changelog has under its first heading, as a release."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    log = changelog.parse(text)
    newest = (*log.unreleased, *log.versions)[0]
    return notes.NotesFacts(
        project="stream_pose_ml",
        version=TAG.removeprefix("v"),
        tag=TAG,
        date=DAY,
        prerelease=False,
        body=changelog.excerpt(text, newest),
        repository_url=page,
        previous_tag=BEFORE,
        images=tuple(image(name, size) for name, size in SIZES.items()),
        dists=(notes.Dist("stream_pose_ml-0.3.0-py3-none-any.whl", SHA, 48_213),),
        compose_url=f"{page}/releases/download/{TAG}/compose.yaml",
        contributors=("@mrilikecoding",),
        extras=("learn",),
    )


def image(name: str, size: float) -> notes.Image:
    """Return an image of the example, a little smaller than before."""
    sizes = {one: int(size * (1 - 0.02 * at)) for at, one in enumerate(PLATFORMS)}
    before = {one: int(size * 1.12) for one, size in sizes.items()}
    reference = f"docker.io/mrilikecoding/stream_pose_ml_{name}:{TAG}"
    return notes.Image(name, reference, f"sha256:{SHA}", PLATFORMS, sizes, before)


@contextmanager
def github(folder: Path) -> Iterator[str]:
    """Serve a repository with one commit and one release; give the release's address."""
    git("init", "-q", "--bare", "-b", "main", "one.git", cwd=folder)
    dates = {"GIT_AUTHOR_DATE": MOMENT, "GIT_COMMITTER_DATE": MOMENT}
    bare = folder / "one.git"
    tree = git("hash-object", "-wt", "tree", "/dev/null", cwd=bare).stdout.strip()
    commit = git("commit-tree", tree, "-m", "Release", cwd=bare, **dates).stdout.strip()
    for name in ("heads/main", f"tags/{TAG}"):
        git("update-ref", f"refs/{name}", commit, cwd=bare)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://localhost:{listener.getsockname()[1]}"
        settings = GitHubSettings(folder / "state", bare, "mrilikecoding", "StreamPoseML", address)
        release(settings)
        stop = run(settings, listener, None)
        try:
            yield settings.html(f"/releases/tag/{TAG}")
        finally:
            stop()


def release(settings: GitHubSettings) -> None:
    """Write the release into the service's state, with the files that a release has."""
    store, by = Store(settings.folder), settings.owner
    body = notes.render(facts(f"https://github.com/{settings.full_name}"))
    title = f"{TAG} - {HEADLINE}"
    times = {"created_at": MOMENT, "updated_at": MOMENT}
    store.state.releases[1] = Release(
        1, TAG, "main", title, body, False, False, by, "", **times, published_at=MOMENT
    )
    store.state.latest = 1
    names = ("SHA256SUMS", "compose.yaml", "release.lock.json")
    store.state.assets = {
        at: Asset(at, 1, one, None, "text/plain", by, **times, state="uploaded", size=2048 * at)
        for at, one in enumerate(names, 2)
    }
    for one in store.state.assets.values():
        one.digest = f"sha256:{SHA}"
    store.save()


def page(folder: Path) -> Path:
    """Take the page while it plays a sample, with the API's label."""
    path = folder / "page.png"
    with (
        running_api() as (api, _),
        running_page(folder, api) as (url, _),
        opened(url, size=(1280, 860), flags=FLAGS) as tab,
    ):
        choose(tab, "#sample", "squat")
        wait_until(tab, TIMELINE_FULL)
        wait_until(tab, DEEP)
        high = tab.evaluate('document.querySelector("footer").getBoundingClientRect().top')
        tab.screenshot(path)
    # The footer has versions, which a checkout does not know.
    Image.open(path).crop((0, 0, 1280, int(high))).save(path)
    return path


def released(folder: Path) -> Path:
    """Take a release's page."""
    path = folder / "release.png"
    with github(folder) as address, browser.browser(browser.installed() or "", *FLAGS) as tab:
        tab.open(address, size=(1280, 930), dark=False)
        wait_until(tab, 'document.readyState === "complete" && document.fonts.status === "loaded"')
        tab.screenshot(path)
    return path


def fewer(picture: Image.Image) -> Image.Image:
    """Return the picture in 256 colours, chosen so that pale shades and small signs keep theirs."""
    return picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3)


def lacking() -> str:
    """Say what this machine lacks; empty if it has all."""
    if browser.installed() is None:
        return "no Chromium is installed here"
    rocket = ["fc-list", ":charset=1f680", "family"]
    if shutil.which(rocket[0]) and subprocess.run(rocket, capture_output=True, check=True).stdout:
        return ""
    return "no font with emoji is installed here: apt-get install fontconfig fonts-noto-color-emoji"


def main() -> int:
    """Write the pictures anew."""
    if problem := lacking():
        print(f"screenshots: {problem}", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for take in (page, released):
        with tempfile.TemporaryDirectory() as folder:
            taken = take(Path(folder))
            target = FOLDER / taken.name
            fewer(Image.open(taken)).save(target, optimize=True)
        size = target.stat().st_size
        print(f"screenshots: {target.relative_to(ROOT)}, {size:,} bytes")
        if size > LARGEST:
            print(f"screenshots: more than {LARGEST:,} bytes", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
