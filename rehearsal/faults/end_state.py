"""Read a release's end state without the release's own code, and restore it.

A state is everything in a world that has a name. Two runs ended in the same way if their states are
equal. To restore a state takes a second, while a new world takes ten. The restored state is read
again afterwards, so no result depends on the restoration.
"""

import base64
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

from rehearsal.index.state import Store
from rehearsal.world import git_repo
from rehearsal.world.world import World

SIMPLE = "application/vnd.pypi.simple.v1+json"
LONGEST = 30
ATTESTATIONS = Path("github/attestations")
PROVENANCES = "provenances.json"
STORAGE = Path("services/registry/storage/docker/registry/v2/repositories")


@dataclass(frozen=True)
class ReleaseState:
    """One release or draft. `assets` are sha256 by name."""

    tag: str
    draft: bool
    prerelease: bool
    title: str
    body: str
    assets: Mapping[str, str]


@dataclass(frozen=True)
class State:
    """Everything with a name: `refs` by object, `files` of the index by sha256, `tags` by digest.

    `manifests` are those without a name in the registry. They are not compared, since nobody can
    reach them without a name.
    """

    refs: Mapping[str, str]
    releases: tuple[ReleaseState, ...]
    latest: str
    pulls: tuple[str, ...]
    files: Mapping[str, str]
    tags: Mapping[str, str]
    signed: Mapping[str, int] = field(default_factory=dict)
    """The number of attestations at GitHub by the digest that they are about."""
    published: Mapping[str, int] = field(default_factory=dict)
    """The number of attestations that the index shows of a file."""
    manifests: tuple[str, ...] = field(default=(), compare=False)

    def key(self) -> str:
        """Return a text that is equal for states from which a run continues in the same way."""
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()

    def differences(self, planned: "State") -> list[str]:
        """List in words what differs from `planned`."""
        return [
            f"{what} is {found}, not {wanted}"
            for what, found, wanted in _pairs(self._rows(), planned._rows())
            if found != wanted
        ]

    def _rows(self) -> dict[str, str]:
        rows = {**self.refs, **{f"file {name}": one for name, one in self.files.items()}}
        rows |= {f"image {name}": one for name, one in self.tags.items()}
        rows |= {f"pull request {pull}": "open" for pull in self.pulls}
        attested = {**self.signed, **self.published}
        rows |= {f"attestations of {what}": f"{n}" for what, n in attested.items()}
        for number, one in enumerate(self.releases):
            kind = "draft" if one.draft else "release"
            text = hashlib.sha256(f"{one.title}\n{one.body}".encode()).hexdigest()[:12]
            name = f"{kind} {one.tag} ({number})"
            rows[name] = f"text {text}, pre-release {one.prerelease}"
            rows |= {f"{name} asset {asset}": digest for asset, digest in one.assets.items()}
        return {**rows, "Latest": self.latest}


class Keeper:
    """Reads a world's state, saves it in `folder`, and restores it."""

    def __init__(self, world: World, project: str, folder: Path) -> None:
        self._world, self._project, self._folder = world, project, folder
        self._api = requests.Session()
        self._api.trust_env = False
        self._api.headers["Authorization"] = f"Bearer {world.token}"
        self._root = f"{world.api}/repos/{world.repository}"
        self._storage = world.folder / STORAGE
        self._attestations = world.folder / ATTESTATIONS
        folder.mkdir(parents=True, exist_ok=True)

    def look(self) -> State:
        """Return the world's state."""
        releases = sorted(self._releases(), key=lambda one: one["id"])
        pulls = self._ask("GET", f"{self._root}/pulls", params={"state": "open"}).json()
        return State(
            refs=self._refs(),
            releases=tuple(self._release(one) for one in releases),
            latest=self._latest(),
            pulls=tuple(sorted(f"{one['head']['ref']} to {one['base']['ref']}" for one in pulls)),
            files=dict(self._files()),
            tags=dict(self._tags()),
            signed=dict(Counter(sorted(self._signed()))),
            published={name: attestations(one) for name, one in self._provenances().items()},
            manifests=tuple(self._manifests()),
        )

    def keep(self, state: State) -> None:
        """Save the bytes of a state; of the registry and the attestations, the files."""
        for release in self._releases():
            for asset in release["assets"]:
                self._save(asset["digest"], asset["url"], {"Accept": "application/octet-stream"})
        for name, url in self._links().items():
            self._save(f"sha256:{state.files[name]}", url, {})
        if not (target := self._folder / state.key()).exists():
            target.mkdir()
            for name, folder in self._folders().items():
                with suppress(FileNotFoundError):
                    shutil.copytree(folder, target / name)
            (target / PROVENANCES).write_text(json.dumps(self._provenances()))

    def put_back(self, state: State) -> None:
        """Restore the world to the saved `state`. Raises ValueError if a difference remains."""
        self._put_releases_away()
        self._put_refs(state.refs)
        for name, folder in self._folders().items():
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(FileNotFoundError):
                shutil.copytree(self._folder / state.key() / name, folder)
        self._put_files(state.files)
        if state.published:
            self._put_provenances(self._folder / state.key() / PROVENANCES)
        for release in state.releases:
            self._put_release(release, latest=release.tag == state.latest)
        if (found := self.look()) != state:
            raise ValueError(f"not restored: {'; '.join(found.differences(state))}")

    def change_main(self, path: str, text: str) -> str:
        """Commit a file to the branch as another person would; return the commit."""
        url = f"{self._root}/contents/{path}"
        found = self._api.get(url, timeout=LONGEST)
        body = {
            "message": f"Change {path}",
            "content": base64.b64encode(text.encode()).decode(),
            **({"sha": found.json()["sha"]} if found.ok else {}),
        }
        return str(self._ask("PUT", url, json=body).json()["commit"]["sha"])

    def burn(self, tag: str) -> None:
        """Use a tag's name up: publish an immutable release of it, and delete both again."""
        switch = f"{self._root}/immutable-releases"
        self._ask("PUT", switch)
        made = self._ask("POST", f"{self._root}/releases", json={"tag_name": tag}).json()
        self._ask("DELETE", switch)
        self._ask("DELETE", made["url"])
        git_repo.git(self._world.bare, "update-ref", "-d", f"refs/tags/{tag}")

    def delete_drafts(self) -> int:
        """Delete every draft as a maintainer would; return how many there were."""
        drafts = [one for one in self._releases() if one["draft"]]
        for one in drafts:
            self._ask("DELETE", one["url"])
        return len(drafts)

    def edit_notes(self, text: str) -> int:
        """Write a line above the notes of every draft, as a maintainer would; return how many."""
        drafts = [one for one in self._releases() if one["draft"]]
        for one in drafts:
            self._ask("PATCH", one["url"], json={"body": f"{text}\n\n{one['body']}"})
        return len(drafts)

    def _refs(self) -> dict[str, str]:
        form = "--format=%(refname) %(objectname)"
        lines = git_repo.git(self._world.bare, "for-each-ref", form).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def _release(self, one: Mapping[str, Any]) -> ReleaseState:
        assets = {
            asset["name"]: asset["digest"] if asset["state"] == "uploaded" else asset["state"]
            for asset in one["assets"]
        }
        body = (one["body"] or "").replace("\r\n", "\n")
        return ReleaseState(
            one["tag_name"], one["draft"], one["prerelease"], one["name"], body, assets
        )

    def _releases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", f"{self._root}/releases").json()
        return found

    def _latest(self) -> str:
        answer = self._api.get(f"{self._root}/releases/latest", timeout=LONGEST)
        return str(answer.json()["tag_name"]) if answer.ok else ""

    def _page(self) -> list[dict[str, Any]]:
        url = f"{self._world.endpoints.index_simple}{self._project.replace('_', '-')}/"
        answer = requests.get(url, headers={"Accept": SIMPLE}, timeout=LONGEST)
        if answer.status_code == requests.codes.not_found:
            return []  # nothing was ever published
        answer.raise_for_status()
        files: list[dict[str, Any]] = answer.json()["files"]
        return files

    def _files(self) -> Iterator[tuple[str, str]]:
        for file in self._page():
            yield file["filename"], file["hashes"]["sha256"]

    def _links(self) -> dict[str, str]:
        root = f"{self._world.endpoints.index_simple}{self._project.replace('_', '-')}/"
        return {
            file["filename"]: requests.compat.urljoin(root, file["url"]) for file in self._page()
        }

    def _tags(self) -> Iterator[tuple[str, str]]:
        for link in sorted(self._storage.glob("*/*/_manifests/tags/*/current/link")):
            tag = link.parents[1].name
            repository = link.parents[4].relative_to(self._storage).as_posix()
            yield f"{repository}:{tag}", link.read_text()

    def _manifests(self) -> Iterator[str]:
        for link in sorted(self._storage.glob("*/*/_manifests/revisions/*/*/link")):
            yield f"{link.parents[4].name}@{link.read_text()}"

    def _folders(self) -> Mapping[str, Path]:
        """Return the folders that are kept as they are."""
        return {"registry": self._storage, "attestations": self._attestations}

    def _signed(self) -> Iterator[str]:
        for path in self._attestations.glob("*.json"):
            yield from json.loads(path.read_text(encoding="utf-8"))["subjects"]

    def _save(self, digest: str, url: str, headers: Mapping[str, str]) -> None:
        path = self._folder / digest.replace(":", "-")
        if not path.exists():
            path.write_bytes(self._ask("GET", url, headers=headers).content)

    def _put_releases_away(self) -> None:
        for one in self._releases():
            self._ask("DELETE", one["url"])
        pulls = self._ask("GET", f"{self._root}/pulls", params={"state": "open"}).json()
        for pull in pulls:
            self._ask("PATCH", pull["url"], json={"state": "closed"})

    def _put_refs(self, refs: Mapping[str, str]) -> None:
        lines = [f"delete {name}" for name in self._refs() if name not in refs]
        lines += [f"update {name} {target}" for name, target in refs.items()]
        for line in lines:
            verb, *arguments = line.split()
            option = ["-d"] if verb == "delete" else []
            git_repo.git(self._world.bare, "update-ref", *option, *arguments)

    def _put_files(self, files: Mapping[str, str]) -> None:
        endpoints = self._world.endpoints
        login = ("__token__", endpoints.index_token)
        root = f"{endpoints.index_upload}{self._project.replace('_', '-')}"
        for version in {name.split("-")[1].removesuffix(".tar.gz") for name, _ in self._files()}:
            requests.delete(
                f"{root}/{version}", params={"force": ""}, auth=login, timeout=LONGEST
            ).raise_for_status()
        self._forget_files()
        for name, sha256 in files.items():
            form = {
                ":action": "file_upload",
                "name": self._project,
                "version": name.split("-")[1].removesuffix(".tar.gz"),
                "metadata_version": "2.1",
                "filetype": "bdist_wheel" if name.endswith(".whl") else "sdist",
                "pyversion": "py3" if name.endswith(".whl") else "source",
                "sha256_digest": sha256,
            }
            content = {"content": (name, (self._folder / f"sha256-{sha256}").read_bytes())}
            requests.post(
                endpoints.index_upload, data=form, files=content, auth=login, timeout=LONGEST
            ).raise_for_status()

    def _forget_files(self) -> None:
        """Let the index forget the names that were used: it would never take them again."""
        store = Store(self._world.folder / "index")
        state = store.load()
        state.files.clear()
        store.save(state)

    def _provenances(self) -> dict[str, Any]:
        """Return what the index shows of who made and published each file."""
        files = sorted(Store(self._world.folder / "index").load().files.items())
        return {name: one.provenance for name, one in files if one.provenance and not one.deleted}

    def _put_provenances(self, kept: Path) -> None:
        """Give the files what only a trusted publisher can upload with them."""
        store = Store(self._world.folder / "index")
        state = store.load()
        for name, provenance in json.loads(kept.read_text()).items():
            state.files[name].provenance = provenance
        store.save(state)

    def _put_release(self, release: ReleaseState, *, latest: bool) -> None:
        body = {"tag_name": release.tag, "name": release.title, "body": release.body, "draft": True}
        body["prerelease"] = release.prerelease
        made = self._ask("POST", f"{self._root}/releases", json=body).json()
        upload = made["upload_url"].partition("{")[0]
        for name, digest in release.assets.items():
            content = (self._folder / digest.replace(":", "-")).read_bytes()
            kind = {"Content-Type": "application/octet-stream"}
            self._ask("POST", upload, params={"name": name}, data=content, headers=kind)
        if not release.draft:
            publish = {"draft": False, "make_latest": str(latest).lower()}
            self._ask("PATCH", made["url"], json=publish)

    def _ask(self, method: str, url: str, **options: Any) -> requests.Response:
        answer = self._api.request(method, url, timeout=LONGEST, **options)
        if not answer.ok:
            raise ValueError(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
        return answer


def attestations(provenance: Mapping[str, Any]) -> int:
    """Count the attestations of one file (PEP 740)."""
    return sum(len(one["attestations"]) for one in provenance["attestation_bundles"])


def _pairs(found: Mapping[str, str], planned: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for what in sorted({*found, *planned}):
        yield what, found.get(what, "nothing"), planned.get(what, "nothing")
