#!/usr/bin/env python3
"""Check a release from outside: compare everything that is public of it with its lock.

Needs Python 3.11 and no package, no clone and no token. It reads only public places: the release
and its assets, the git tag, the package index and the image registry. Where the program `gh` is
installed it also checks the signatures. The lock is the asset `release.json`; the message of the
git tag, the notes and `SHA256SUMS` hold its digest.

Exit codes: 0 everything agrees; 1 something differs, and the last line names it; 2 something could
not be read.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

OK, WRONG, UNREAD, LEFT_OUT = "ok", "wrong", "unreadable", "not checked"
LOCK, SUMS, SBOMS = "release.json", "SHA256SUMS", "sboms.zip"
HUB, HUB_API = "docker.io", "registry-1.docker.io"
FORGE, FORGE_API = "github.com", "https://api.github.com"
SIMPLE = "application/vnd.pypi.simple.v1+json"
MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        *("oci.image.index.v1", "oci.image.manifest.v1"),
        *("docker.distribution.manifest.list.v2", "docker.distribution.manifest.v2"),
    )
)
SILENCE = 30  # seconds
SIGNING = 120  # seconds that gh may take
CHUNK = 1 << 20
REFUSED = (401, 403)
GONE = (404, 410)
PARSING = (ValueError, LookupError, TypeError, AttributeError)
"""What reading a file of another form raises."""


@dataclass(frozen=True)
class Finding:
    """What was found out about one surface."""

    surface: str
    status: str
    detail: str


class WrongError(Exception):
    """A surface differs from the lock."""


class UnreadError(Exception):
    """A service did not answer, or does not show the surface to everybody."""

    challenge: str | None = None
    """What a service that refused says about the token it wants (RFC 9110, WWW-Authenticate)."""


def fetch(url: str, to: Path | None = None, *, accept: str = "*/*", token: str = "") -> bytes:
    """Return an address's content, or write it to a file. Raises WrongError or UnreadError."""
    if not url.startswith(("https://", "http://")):
        raise WrongError(f"{url} is not a web address")
    headers = {"User-Agent": "verify", "Accept": accept}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - checked above
    if token:
        # The storage that a registry redirects to must not get it.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=SILENCE) as answer:  # noqa: S310
            if to is None:
                return bytes(answer.read())
            with to.open("wb") as file:
                shutil.copyfileobj(answer, file, CHUNK)
            return b""
    except urllib.error.HTTPError as error:
        if error.code in GONE:
            raise WrongError(f"not there: {url}") from error
        unread = UnreadError(f"{url} answered {error.code}")
        if error.code in REFUSED:
            unread.challenge = error.headers.get("WWW-Authenticate", "")
        raise unread from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreadError(f"{url} did not answer: {error}") from error


def sha256(content: bytes) -> str:
    """Return the digest in hex."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: Path) -> str:
    """Return a file's digest in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same(found: object, expected: object, what: str = "") -> None:
    """Raise WrongError if two values differ."""
    if found != expected:
        raise WrongError(f"{what}{found}, expected {expected}".replace("\n", " "))


def quoted(text: str) -> str:
    """Write a text as one part of an address."""
    return urllib.parse.quote(text, safe="")


def digest_in(text: str | None) -> str:
    """Read the lock's digest out of the notes or the tag's message; empty if they have none."""
    found = re.search(rf"{re.escape(LOCK)} sha256:([0-9a-f]{{64}})\b", text or "")
    return found[1] if found else ""


class Registry:
    """One repository of an image registry, read without a login (OCI Distribution)."""

    def __init__(self, repository: str) -> None:
        host, _, self._path = repository.partition("/")
        # Registries on this machine use plain HTTP, as for every Docker client.
        plain = host.partition(":")[0] in ("localhost", "127.0.0.1")
        self._url = f"{'http' if plain else 'https'}://{HUB_API if host == HUB else host}"
        self._token = ""

    def manifest(self, reference: str) -> bytes:
        """Return the bytes of a manifest."""
        return self._get(f"manifests/{reference}")

    def blob(self, digest: str) -> bytes:
        """Return the bytes of a blob."""
        return self._get(f"blobs/{digest}")

    def _get(self, path: str) -> bytes:
        url = f"{self._url}/v2/{self._path}/{path}"
        try:
            return fetch(url, accept=MANIFESTS, token=self._token)
        except UnreadError as error:
            if self._token or error.challenge is None:
                raise
            self._token = self._anonymous(error.challenge)
        return fetch(url, accept=MANIFESTS, token=self._token)

    def _anonymous(self, challenge: str) -> str:
        """Ask for a token that may read, as everybody gets it."""
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if "realm" not in said:
            raise UnreadError(f"{self._url} shows {self._path} only after a login")
        asked = {"service": said.get("service", ""), "scope": f"repository:{self._path}:pull"}
        answer = json.loads(fetch(f"{said['realm']}?{urllib.parse.urlencode(asked)}"))
        return str(answer.get("token") or answer.get("access_token") or "")


@dataclass
class Release:
    """One release: where its surfaces are, and what was found there."""

    page: str
    """The repository's page."""
    tag: str
    api: str
    index: str
    """The package index's simple API; empty if it is not to be asked."""
    root: str
    """The file with the trusted root of the signatures; empty for the public one."""
    folder: Path
    tell: Callable[[Finding], None]
    findings: list[Finding] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    """The release as the forge's API shows it."""
    lock: dict[str, Any] = field(default_factory=dict)

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return urllib.parse.urlsplit(self.page).path.strip("/")

    @property
    def plan(self) -> dict[str, Any]:
        """The plan in the lock."""
        return dict(self.lock["plan"])

    def say(self, surface: str, status: str, detail: str) -> None:
        """Keep a finding, and show it."""
        self.findings.append(Finding(surface, status, detail))
        self.tell(self.findings[-1])

    @contextlib.contextmanager
    def checking(self, surface: str, detail: str = "") -> Iterator[list[str]]:
        """Turn an error inside into a finding about the surface; without one, report ok."""
        said = [detail] if detail else []
        try:
            yield said
        except WrongError as error:
            self.say(surface, WRONG, str(error))
        except UnreadError as error:
            self.say(surface, UNREAD, str(error))
        except PARSING as error:
            found = f"{type(error).__name__}: {error}".replace("\n", " ")
            self.say(surface, WRONG, f"does not have the expected form ({found})")
        else:
            self.say(surface, OK, "; ".join(said))

    def ask(self, path: str) -> Any:
        """Ask the forge's API about the repository."""
        url = f"{self.api}/repos/{self.repository}/{path}"
        return json.loads(fetch(url, accept="application/vnd.github+json"))


def verify(release: Release) -> None:
    """Check every surface."""
    with release.checking(f"release {release.tag}", "published"):
        release.shown = release.ask(f"releases/tags/{quoted(release.tag)}")
        same(release.shown["tag_name"], release.tag)
    if not release.shown:
        return
    assets = download_assets(release)
    message, commit = git_tag(release)
    check_lock(release, assets, message)
    if not release.lock:
        return
    check_tag(release, message, commit)
    check_assets(release, assets)
    files = check_dists(release)
    manifests = [one for image in release.plan["images"] for one in check_image(release, image)]
    named = {f"asset {path.name}": path for path in assets.values()} | dict(files)
    check_signatures(release, named | dict(manifests))


def download_assets(release: Release) -> dict[str, Path]:
    """Download every asset; one that cannot be had is a finding."""
    found = {}
    for number, asset in enumerate(release.shown["assets"]):
        name = str(asset["name"])
        path = release.folder / f"asset-{number}" / Path(name).name
        path.parent.mkdir()
        try:
            fetch(str(asset["browser_download_url"]), path)
        except WrongError as error:
            release.say(f"asset {name}", WRONG, str(error))
        except UnreadError as error:
            release.say(f"asset {name}", UNREAD, str(error))
        else:
            found[name] = path
    return found


def git_tag(release: Release) -> tuple[str, str]:
    """Return the tag's message and its commit; a tag without a message has an empty one."""
    try:
        ref = release.ask(f"git/ref/tags/{quoted(release.tag)}")["object"]
        if ref["type"] != "tag":
            return "", str(ref["sha"])
        made = release.ask(f"git/tags/{quoted(str(ref['sha']))}")
        return str(made["message"]), str(made["object"]["sha"])
    except WrongError as error:
        release.say(f"tag {release.tag}", WRONG, str(error))
    except UnreadError as error:
        release.say(f"tag {release.tag}", UNREAD, str(error))
    return "", ""


def check_lock(release: Release, assets: dict[str, Path], message: str) -> None:
    """Check the lock against those who hold its digest; if most of them disagree, it is wrong."""
    with release.checking(f"lock {LOCK}") as said:
        if LOCK not in assets:
            raise WrongError("the release has no such asset")
        content = assets[LOCK].read_bytes()
        held = holders(release, assets, message)
        wrong = [name for name, digest in held.items() if digest != sha256(content)]
        if wrong and 2 * len(wrong) >= len(held):
            raise WrongError(f"sha256 {sha256(content)} is not what {' and '.join(wrong)} say")
        lock = json.loads(content)
        same(lock["plan"]["tag"], release.tag, "is of release ")
        named = lock.get("repository") or release.repository
        same(named.casefold(), release.repository.casefold(), "is of repository ")
        release.lock = lock
        said.append(f"sha256 {sha256(content)}, as {', '.join(held.keys() - set(wrong))} say")
    for name in wrong if release.lock else ():
        release.say(name, WRONG, f"holds another digest of {LOCK}: {held[name]}")


def holders(release: Release, assets: dict[str, Path], message: str) -> dict[str, str]:
    """Return who says which digest of the lock; who says none is left out."""
    listed = sums_of(assets).get(LOCK, "")
    notes = digest_in(release.shown.get("body"))
    held = {f"tag {release.tag}": digest_in(message), "notes": notes, f"asset {SUMS}": listed}
    return {name: digest for name, digest in held.items() if digest}


def sums_of(assets: dict[str, Path]) -> dict[str, str]:
    """Read SHA256SUMS: name to digest."""
    if SUMS not in assets:
        return {}
    lines = assets[SUMS].read_text("utf-8", "replace").splitlines()
    return {line[66:]: line[:64] for line in lines if re.match(r"[0-9a-f]{64}  .", line)}


def check_tag(release: Release, message: str, commit: str) -> None:
    """Check that the tag is on the locked commit, and that its message holds the lock's digest."""
    surface = f"tag {release.tag}"
    if surface in {one.surface for one in release.findings if one.status != OK}:
        return
    with release.checking(surface) as said:
        same(commit, release.lock["commit"], "names commit ")
        said.append(f"commit {commit}")
        # A person made the tag where a pushed tag started the release.
        if not digest_in(message) and release.plan["branch"] is not None:
            raise WrongError(f"its message does not hold the digest of {LOCK}")
        said.append(f"its message holds the digest of {LOCK}" * bool(digest_in(message)))


def check_assets(release: Release, assets: dict[str, Path]) -> None:
    """Check every asset by SHA256SUMS, the lock and GitHub's own digest; find what is extra."""
    listed = sums_of(assets)
    locked = {one["name"]: one["sha256"] for one in release.lock["dists"]}
    stated = {one["name"]: one.get("digest") for one in release.shown["assets"]}
    expected_too = {SUMS, *([SBOMS] if release.lock.get("sboms") else [])}
    for name in sorted({*listed, *assets, *locked, *expected_too} - {LOCK}):
        with release.checking(f"asset {name}") as said:
            if name not in stated:
                raise WrongError("the release has no such asset")
            if name not in assets:
                raise UnreadError("it could not be downloaded")
            if name not in listed and name != SUMS:
                raise WrongError(f"{SUMS} does not list it: nobody released it")
            found = sha256_of(assets[name])
            for expected in (listed.get(name), locked.get(name)):
                same(found, expected or found, "sha256 ")
            same(f"sha256:{found}", stated[name] or f"sha256:{found}")
            check_references(release, assets[name])
            check_sboms(release, assets[name])
            said.append(f"sha256 {found}")


def check_sboms(release: Release, asset: Path) -> None:
    """Check that the archive of SBOMs holds exactly those that the lock names."""
    locked = {one["name"]: one["sha256"] for one in release.lock.get("sboms", ())}
    if asset.name != SBOMS:
        return
    try:
        with zipfile.ZipFile(asset) as archive:
            held = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise WrongError(f"it is not an archive: {error}") from error
    for name in sorted({*locked, *held}):
        found = hashlib.sha256(held[name]).hexdigest() if name in held else "missing"
        same(found, locked.get(name, "not in the lock"), f"{name} has sha256 ")


def check_references(release: Release, asset: Path) -> None:
    """Check that a compose file names the release's images only by their locked digests."""
    if asset.suffix not in (".yaml", ".yml"):
        return
    text = asset.read_text("utf-8")
    digests = {one["name"]: one["digest"] for one in release.lock["images"]}
    for image in release.plan["images"]:
        for found in re.findall(rf"{re.escape(image['repository'])}([@:][\w:.-]+)", text):
            same(found, f"@{digests[image['name']]}", f"{image['repository']} is pinned to ")


def check_dists(release: Release) -> Iterator[tuple[str, Path]]:
    """Download the wheel and the sdist from the index, and compare them with the lock."""
    dists = release.lock["dists"]
    if dists and not release.index:
        release.say("package", LEFT_OUT, "give the index's address with --index")
        return
    there = on_index(release) if dists else None
    for dist in dists if there is not None else ():
        kind = "wheel" if dist["name"].endswith(".whl") else "sdist"
        path = release.folder / dist["name"]
        with release.checking(f"{kind} {dist['name']}", f"sha256 {dist['sha256']}"):
            url, stated = (there or {}).get(dist["name"], ("", ""))
            if not url:
                raise WrongError("the index does not have it")
            same(stated or dist["sha256"], dist["sha256"], "the index states sha256 ")
            fetch(url, path)
            same(sha256_of(path), dist["sha256"], "sha256 ")
            yield f"{kind} {dist['name']}", path
    stem = dists[0]["name"].partition("-py3")[0] if dists else ""
    for name in sorted((there or {}).keys() - {one["name"] for one in dists}):
        if re.match(rf"{re.escape(stem)}(-|\.tar|\.zip)", name):
            release.say(f"file {name}", WRONG, "the index has it, and the lock does not explain it")


def on_index(release: Release) -> dict[str, tuple[str, str]] | None:
    """Return the project's files (PEP 691): name to address and stated digest."""
    project = re.sub(r"[-_.]+", "-", release.plan["project"]).lower()
    url = f"{release.index.rstrip('/')}/{project}/"
    found = None
    try:
        page = json.loads(fetch(url, accept=SIMPLE))
        found = {
            one["filename"]: (
                urllib.parse.urljoin(url, one["url"]),
                one.get("hashes", {}).get("sha256", ""),
            )
            for one in page["files"]
        }
    except WrongError:
        return {}
    except UnreadError as error:
        release.say("package", UNREAD, str(error))
    except PARSING as error:
        release.say("package", UNREAD, f"{url} did not answer as an index: {error}")
    return found


def check_image(release: Release, image: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """Check an image's index by its version tag, and each platform's image by its digest."""
    registry = Registry(image["repository"])
    locked = next(one for one in release.lock["images"] if one["name"] == image["name"])
    surface = f"index {image['name']}"
    with release.checking(surface, f"{image['tag']} is {locked['digest']}"):
        content = registry.manifest(image["tag"])
        same(f"sha256:{sha256(content)}", locked["digest"], f"{image['tag']} is ")
        same(platforms_of(json.loads(content)), locked["platforms"])
        yield surface, kept(release, content)
    for platform, digest in sorted(locked["platforms"].items()):
        surface = f"platform {image['name']} {platform}"
        with release.checking(surface, digest):
            content = registry.manifest(digest)
            same(f"sha256:{sha256(content)}", digest)
            check_labels(release, registry, json.loads(content)["config"]["digest"])
            yield surface, kept(release, content)


def platforms_of(index: dict[str, Any]) -> dict[str, str]:
    """Return the platforms of an image index, each with its digest."""
    named = [(one.get("platform") or {}, one["digest"]) for one in index["manifests"]]
    return {f"{one['os']}/{one['architecture']}": digest for one, digest in named if one}


def check_labels(release: Release, registry: Registry, digest: str) -> None:
    """Check that the image states the release's version and commit."""
    content = registry.blob(digest)
    same(f"sha256:{sha256(content)}", digest, "its configuration is ")
    labels = json.loads(content).get("config", {}).get("Labels") or {}
    wanted = {"version": release.plan["version"], "revision": release.lock["commit"]}
    for key, value in wanted.items():
        same(labels.get(f"org.opencontainers.image.{key}"), value, f"its label {key} is ")


def kept(release: Release, manifest: bytes) -> Path:
    """Keep a manifest as a file: its digest is what an attestation is about."""
    path = release.folder / f"{sha256(manifest)}.json"
    path.write_bytes(manifest)
    return path


def check_signatures(release: Release, files: dict[str, Path]) -> None:
    """Check the attestation of every part by gh, if the lock says who signs."""
    by = (release.lock.get("signing") or {}).get("by", "")
    if not by:
        why = (release.lock.get("signing") or {}).get("reason") or "the lock names no signer"
        release.say("attestations", LEFT_OUT, why)
        return
    bundles, refused = {}, {one.surface for one in release.findings if one.status == WRONG}
    # Of what is altered, nobody has to have signed the digest.
    for surface, path in ((one, path) for one, path in files.items() if one not in refused):
        try:
            found = release.ask(f"attestations/sha256:{sha256_of(path)}")["attestations"]
        except WrongError:
            found = []
        except (UnreadError, *PARSING) as error:
            release.say("attestations", UNREAD, str(error))
            return
        bundles[surface] = [one["bundle"] for one in found]
    for surface in [surface for surface, found in bundles.items() if not found]:
        release.say(f"attestation of {surface}", WRONG, f"not there, {by} signs every part")
    there = {surface: found for surface, found in bundles.items() if found}
    if there and not shutil.which("gh"):
        names = f"{len(there)} are there, and need the program gh, which is not installed"
        release.say("attestations", LEFT_OUT, names)
        return
    for surface, found in there.items():
        check_signature(release, surface, files[surface], found)


def check_signature(
    release: Release, surface: str, path: Path, bundles: Sequence[dict[str, Any]]
) -> None:
    """Have gh check that the release's workflow signed exactly this file."""
    bundle = release.folder / "bundle.jsonl"
    bundle.write_text("".join(f"{json.dumps(one)}\n" for one in bundles))
    by = str(release.lock["signing"]["by"])
    workflow, _, ref = by.partition("@")
    command = gh(path, bundle, Source(release.repository, workflow, ref), release.root)
    with release.checking(f"attestation of {surface}", f"signed by {by}"):
        done = subprocess.run(
            command,
            capture_output=True, text=True, timeout=SIGNING, check=False,
        )  # fmt: skip
        if done.returncode:
            raise WrongError(f"gh refused it: {' '.join(done.stderr.split())[:300]}")


class Source(NamedTuple):
    """The run that must have signed."""

    repository: str
    """`owner/name`."""
    workflow: str
    """The path of its file."""
    ref: str
    """The branch or tag, in full."""


def signer(source: Source) -> str:
    """Return who signed, as certificates say it: they name the public GitHub, wherever it is."""
    return f"https://{FORGE}/{source.repository}/{source.workflow}@{source.ref}"


def gh(path: Path, bundle: Path, source: Source, root: str) -> list[str]:
    """Write the command that checks a file's signature: signed by this workflow of this branch."""
    command = ["gh", "attestation", "verify", f"--bundle={bundle}"]
    command += [f"--repo={source.repository}"]
    command += [f"--cert-identity={signer(source)}", f"--source-ref={source.ref}"]
    command += [f"--custom-trusted-root={root}"] if root else []
    return [*command, "--", str(path)]


def outcome(findings: Sequence[Finding]) -> tuple[int, str]:
    """Return the exit code and the last line."""
    by = {
        status: [one.surface for one in findings if one.status == status]
        for status in (OK, WRONG, UNREAD, LEFT_OUT)
    }
    rest = f"{len(by[OK])} ok, {len(by[LEFT_OUT])} not checked"
    if by[WRONG]:
        return 1, f"refused: {'; '.join(dict.fromkeys(by[WRONG]))} ({rest})"
    if by[UNREAD]:
        return 2, f"not complete: {'; '.join(dict.fromkeys(by[UNREAD]))} ({rest})"
    return 0, f"pass: {rest}"


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("page", help="the repository's page, https://HOST/OWNER/NAME")
    parser.add_argument("tag", help="the release's git tag")
    parser.add_argument("--index", default="", help="the package index's simple API")
    parser.add_argument("--api", help="the forge's REST API (default: the one of the page's host)")
    parser.add_argument("--root", default="", help="a file with the trusted root of signatures")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    given = parser.parse_args(argv)
    where = urllib.parse.urlsplit(given.page)
    if where.scheme not in ("https", "http") or not re.fullmatch(r"/[^/]+/[^/]+/?", where.path):
        parser.error(f"the page is {given.page!r}, expected https://HOST/OWNER/NAME")
    given.page = given.page.rstrip("/")
    own = FORGE_API if where.netloc == FORGE else f"{where.scheme}://{where.netloc}/api/v3"
    given.api = (given.api or own).rstrip("/")
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Check one release; return the exit code."""
    given = parsed(argv)

    def tell(one: Finding) -> None:
        if not given.json:
            sign = {OK: "ok", WRONG: "WRONG"}.get(one.status, one.status)
            print(f"{sign:<11} {one.surface}: {one.detail}", flush=True)

    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        places = (given.page, given.tag, given.api, given.index, given.root)
        release = Release(*places, Path(folder), tell)
        verify(release)
    code, line = outcome(release.findings)
    if given.json:
        line = json.dumps({"result": line, "findings": [asdict(one) for one in release.findings]})
    print(line)
    return code


if __name__ == "__main__":
    sys.exit(main())
