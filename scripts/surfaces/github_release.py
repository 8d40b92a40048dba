"""The GitHub release: a draft with every asset first, published last."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import requests
from github import (
    Auth,
    BadAttributeException,
    Github,
    GithubException,
    UnknownObjectException,
)
from github.GithubObject import NotSet
from github.GitRelease import GitRelease
from github.GitReleaseAsset import GitReleaseAsset
from github.PullRequest import PullRequest
from github.Repository import Repository

from scripts.core import lockfile, version
from scripts.core.converge import POINTER, Conflict, Matches, Missing, State, Surface
from scripts.core.errors import ServiceError, TransientError
from scripts.core.planning import Plan
from scripts.surfaces import web

REMEDY = "check GITHUB_TOKEN's permissions (contents: write) and the API's status page"
# GitHub does not start checks for a pull request from a run's own token.
APPROVE = (
    "A workflow opened this pull request, so its checks wait: press *Approve workflows to run* "
    "below."
)
NO_COMMIT = "No commit found for SHA"
"""GitHub's answer (status 422) for a commit that a repository does not have."""
NOT_FOUND = 404
FORBIDDEN = 403
T = TypeVar("T")
MARK = re.compile(
    r"\n*<!-- release-notes sha256:([0-9a-f]{64})"
    r"(?:, release\.json sha256:([0-9a-f]{64}))?"
    r"(?:, title sha256:(?P<title>[0-9a-f]{64}))? -->\s*\Z"
)


class Forge:
    """One repository of GitHub's API."""

    def __init__(
        self, api_url: str, repository: str, token: str | None, silence: float = web.SILENCE
    ) -> None:
        # PyGithub's own retries repeat a POST blindly; here a read follows every write.
        self._github = Github(
            base_url=api_url,
            auth=Auth.Token(token) if token else None,
            retry=None,
            timeout=max(1, round(silence)),
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
            per_page=100,
        )
        self._name = repository

    @property
    def repository(self) -> Repository:
        """The repository, read on first use."""
        return self._github.get_repo(self._name)

    def rules(self, branch: str) -> list[str]:
        """Return the kinds of rules that rulesets set for a branch."""
        with failures():
            return [str(one["type"]) for one in self._list(f"rules/branches/{branch}")]

    def tag_rulesets(self) -> dict[str, list[str]]:
        """Return the rulesets that are active for tags, each with the kinds of its rules."""
        with failures():
            found = self._list("rulesets?targets=tag")
            active = [one for one in found if one["enforcement"] == "active"]
            return {str(one["name"]): self._rules_of(one["id"]) for one in active}

    def _rules_of(self, ruleset: int) -> list[str]:
        found = self._read(f"rulesets/{int(ruleset)}")
        return [str(one["type"]) for one in found["rules"]]

    def _list(self, path: str) -> list[dict[str, Any]]:
        found = self._read(path)
        if not isinstance(found, list):
            raise TypeError(f"expected a list, found {found!r}")
        return found

    def _read(self, path: str) -> Any:
        return self._github.requester.requestJsonAndCheck("GET", f"/repos/{self._name}/{path}")[1]

    def labels(self, number: int) -> list[str]:
        """Return the names of a pull request's labels."""
        return [one["name"] for one in self._list(f"issues/{number}/labels?per_page=100")]

    def environments(self) -> dict[str, bool]:
        """Return the environments, each with whether it needs an approval."""
        with failures():
            return {
                one.name: any(r.type == "required_reviewers" for r in one.protection_rules or [])
                for one in self.repository.get_environments()
            }

    def protected(self, branch: str) -> bool:
        """Tell whether a branch is protected."""
        with failures():
            return _there(self.repository.get_branch(branch).protected)

    def setting(self, path: str) -> dict[str, Any] | None:
        """Read one of the repository's settings; none if the token does not allow it."""
        try:
            with failures():
                requester = self._github.requester
                _, found = requester.requestJsonAndCheck("GET", f"/repos/{self._name}/{path}")
        except TransientError:
            raise
        except ServiceError:
            return None
        return found if isinstance(found, dict) else None

    def private(self) -> bool:
        """Tell whether only its members see the repository."""
        with failures():
            return _there(self.repository.private)

    def attestations(self, digest: str) -> list[dict[str, Any]]:
        """Return the signed bundles about a SHA-256, which is in hex."""
        try:
            with failures():
                path = f"/repos/{self._name}/attestations/sha256:{digest}"
                found: Any = self._github.requester.requestJsonAndCheck("GET", path)[1]
                return [dict(one["bundle"]) for one in found["attestations"]]
        except ServiceError as error:
            if isinstance(error.__cause__, UnknownObjectException):
                return []
            raise

    def attest(self, bundle: dict[str, Any]) -> None:
        """Give a signed bundle to the repository; it belongs to every digest that it names."""
        with failures():
            path, body = f"/repos/{self._name}/attestations", {"bundle": bundle}
            self._github.requester.requestJsonAndCheck("POST", path, input=body)

    def is_running(self, tag: str) -> bool:
        """Tell whether a run that the push of a tag started is under way, as far as one may see."""
        found = self.setting(f"actions/runs?event=push&branch={quote(tag, safe='')}&per_page=100")
        runs = (found or {}).get("workflow_runs") or ()
        return any(one["status"] != "completed" for one in runs)

    def releases(self) -> list[GitRelease]:
        """List the releases; drafts too, if the token may write."""
        with failures():
            found = list(self.repository.get_releases())
            for one in found:
                # PyGithub checks a value on access.
                _ = (one.id, one.tag_name, one.name, one.body, one.draft, one.prerelease)
            return found

    def release(self, tag: str) -> GitRelease | None:
        """Find the release of a tag, the published one before a draft, the oldest draft first.

        This lists all releases, since GitHub answers 404 to a draft's tag.
        """
        return next(iter(self.of_tag(tag)), None)

    def of_tag(self, tag: str) -> list[GitRelease]:
        """List the releases of a tag, the valid one first; the others are drafts."""
        return self.chosen(self.releases(), tag)

    def chosen(self, releases: Iterable[GitRelease], tag: str) -> list[GitRelease]:
        """Choose those of a tag from a listing; see `of_tag`."""
        mine = [release for release in releases if release.tag_name == tag]
        return sorted(mine, key=lambda r: (r.draft, r.id))

    def spare(self, tag: str) -> list[GitRelease]:
        """List the superfluous drafts.

        A request that timed out can take effect after its retry. A draft that a person wrote is not
        one of them.
        """
        return [one for one in self.of_tag(tag)[1:] if one.draft and not edited(one.body)]

    def delete_spare(self, tag: str) -> None:
        """Delete the unneeded drafts."""
        for one in self.spare(tag):
            with failures():
                one.delete_release()

    def lock_of(self, release: GitRelease) -> str:
        """Return the digest of the lock in a release's notes; empty if there is none."""
        mark = MARK.search(release.body or "")
        return (mark[2] or "") if mark else ""

    def same(self, name: str) -> bool:
        """Tell whether another name, `owner/name`, is an earlier one of this repository."""
        try:
            with failures():
                return self._full_name(name) == self._full_name(self._name)
        except TransientError:
            raise
        except ServiceError:
            return False

    def has_commit(self, repository: str, sha: str) -> bool | None:
        """Tell whether a repository, `owner/name`, has a commit; None if it cannot be read."""
        try:
            with failures():
                path = f"/repos/{repository}/commits/{sha}"
                self._github.requester.requestJsonAndCheck("GET", path)
        except TransientError:
            raise
        except ServiceError as error:
            return False if NO_COMMIT in error.cause else None
        return True

    def _full_name(self, name: str) -> str:
        found: Any = self._github.requester.requestJsonAndCheck("GET", f"/repos/{name}")[1]
        return str(found["full_name"])

    def latest(self) -> str | None:
        """Return the tag of the release that GitHub shows as Latest."""
        with failures():
            try:
                return _there(self.repository.get_latest_release().tag_name)
            except GithubException as error:
                if error.status == NOT_FOUND:
                    return None
                raise

    def asset(self, release: GitRelease, name: str) -> bytes | None:
        """Download one of the assets from the list of releases."""
        with failures():
            for asset in release.assets:
                if asset.name == name and asset.state == "uploaded":
                    return _content(asset)
        return None

    def digests(self, release: GitRelease) -> dict[str, str]:
        """Return every asset's SHA-256 by name: from GitHub, or else from the download."""
        with failures():
            return {
                one.name: (one.digest or "").removeprefix("sha256:")
                or hashlib.sha256(_content(one)).hexdigest()
                for one in release.assets
            }

    def find_pull_request(self, head: str, base: str) -> str | None:
        """Return the address of the open pull request from one branch to another."""
        with failures():
            pull = self._pull_request(head, base)
            return pull.html_url if pull else None

    def _pull_request(self, head: str, base: str) -> PullRequest | None:
        owner = self._name.partition("/")[0]
        found = self.repository.get_pulls(state="open", head=f"{owner}:{head}", base=base)
        return next(iter(found), None)

    def pull_request_says(self, head: str, base: str, body: str) -> bool:
        """Tell whether the open pull request has this text."""
        with failures():
            pull = self._pull_request(head, base)
            return pull is not None and (pull.body or "").replace("\r\n", "\n") == _asking(body)

    def change_pull_request(self, head: str, base: str, body: str) -> bool:
        """Give the open pull request this text; tell whether there is one."""
        with failures():
            pull = self._pull_request(head, base)
            if pull:
                pull.edit(body=_asking(body))
            return pull is not None

    def open_pull_request(self, head: str, base: str, title: str, body: str) -> str:
        """Open a pull request for a branch that may not be pushed."""
        with failures():
            pull = self.repository.create_pull(
                title=title, body=_asking(body), head=head, base=base
            )
            return pull.html_url

    def edit(
        self,
        tag: str,
        *,
        body: str | None = None,
        draft: bool | None = None,
        prerelease: bool | None = None,
        make_latest: str | None = "false",
        discussion: str | None = None,
    ) -> None:
        """Change the given fields of a release, and keep the rest."""
        release = self.release(tag)
        if release is None:
            raise ServiceError(
                f"release {tag} is gone", "run this again: it reads the current state"
            )
        with failures():
            release.update_release(
                release.name or tag,
                release.body or "" if body is None else body,
                draft=release.draft if draft is None else draft,
                prerelease=release.prerelease if prerelease is None else prerelease,
                make_latest=make_latest or NotSet,
                discussion_category_name=discussion or NotSet,
            )

    def comments(self, number: int) -> list[str] | None:
        """Return the comments of an issue or a pull request; None if it does not exist."""
        try:
            with failures():
                issue = self.repository.get_issue(number)
                return [one.body or "" for one in issue.get_comments()]
        except ServiceError as error:
            if isinstance(error.__cause__, UnknownObjectException):
                return None
            raise


@contextmanager
def failures() -> Iterator[None]:
    """Turn PyGithub's exceptions into `TransientError` or `ServiceError`."""
    try:
        yield
    except GithubException as error:
        raise _error(error) from error
    except requests.RequestException as error:
        raise TransientError(f"GitHub did not answer: {error}", REMEDY) from error
    except (BadAttributeException, *web.NO_ANSWER) as error:
        raise web.no_answer("GitHub", error, REMEDY) from error


def _asking(body: str) -> str:
    return f"{body}\n\n{APPROVE}"


def _there(value: T | None) -> T:
    """Return a value that every answer of GitHub has: PyGithub reads an absent one as None."""
    if value is None:
        raise TypeError("a value is absent")
    return value


def _error(error: GithubException) -> ServiceError:
    headers = {key.lower(): value for key, value in (error.headers or {}).items()}
    message = error.data.get("message", "") if isinstance(error.data, dict) else ""
    cause = f"GitHub answered {error.status}: {message or error.data}"
    after = headers.get("retry-after", "")
    limited = error.status == FORBIDDEN and (after or headers.get("x-ratelimit-remaining") == "0")
    if error.status == web.TOO_MANY or error.status >= web.SERVER or limited:
        return TransientError(cause, REMEDY, float(after) if after.isdigit() else 0)
    return ServiceError(cause, REMEDY)


@dataclass(frozen=True)
class Draft(Surface):
    """The release before anyone can see it, with exactly the planned assets."""

    forge: Forge
    plan: Plan
    notes: str
    assets: tuple[Path, ...]
    """The assets in the order of upload. The lock is last, so a release with a lock is complete."""

    @property
    def title(self) -> str:
        """Name the draft."""
        return f"draft release {self.plan.tag}"

    def observe(self) -> State:
        """Compare every asset by its digest, and the notes unless a person edited them."""
        release = self.forge.release(self.plan.tag)
        if release is None:
            return Missing("not there")
        wrong = self._wrong(release)
        if not wrong and self.forge.spare(self.plan.tag):
            return Missing("there twice")
        if not wrong:
            return Matches(release.html_url)
        if not release.draft:
            return Conflict(
                f"is published, but differs in {', '.join(wrong)}",
                "a published release must not be changed: release the next version",
            )
        return Missing(f"differs in {', '.join(wrong)}")

    def apply(self) -> None:
        """Create or update the draft, then its assets; delete wrong ones first."""
        with failures():
            release = self.forge.release(self.plan.tag) or self._create()
            self.forge.delete_spare(self.plan.tag)
            self._correct(release)
            planned = {path.name: path for path in self.assets}
            there = {asset.name: asset for asset in release.get_assets()}
            for name, asset in there.items():
                if name not in planned or not _same(asset, planned[name]):
                    asset.delete_asset()
            for name, path in planned.items():
                if name not in there or not _same(there[name], path):
                    release.upload_asset(str(path), name=name)

    @property
    def _body(self) -> str:
        digests = [_sha256(path) for path in self.assets if path.name == lockfile.NAME]
        return marked(self.notes, *digests, title=self.plan.title)

    def _create(self) -> GitRelease:
        return self.forge.repository.create_git_release(
            self.plan.tag,
            name=self.plan.title,
            message=self._body,
            draft=True,
            prerelease=self.plan.prerelease,
            make_latest="false",
        )

    def _correct(self, release: GitRelease) -> None:
        if release.draft and self._text_is_wrong(release):
            body = release.body if edited(release.body) else self._body
            release.update_release(
                self._name(release), body, draft=True, prerelease=self.plan.prerelease
            )

    def _wrong(self, release: GitRelease) -> list[str]:
        with failures():
            there = {asset.name: asset for asset in release.get_assets()}
        planned = {path.name: path for path in self.assets}
        wrong = sorted(there.keys() ^ planned.keys())
        wrong += [n for n, path in planned.items() if n in there and not _same(there[n], path)]
        if release.draft and self._text_is_wrong(release):
            wrong.append("title or notes")
        return wrong

    def _text_is_wrong(self, release: GitRelease) -> bool:
        stale = not edited(release.body) and _plain(release.body) != _plain(self._body)
        other = release.prerelease != self.plan.prerelease
        return stale or other or release.name != self._name(release)

    def _name(self, release: GitRelease) -> str:
        """Return the planned title, unless a person changed the written one."""
        mark = MARK.search(release.body or "")
        renamed = mark and mark["title"] and _hash(release.name or "") != mark["title"]
        return str(release.name) if renamed else self.plan.title


@dataclass(frozen=True)
class Published(Surface):
    """The public release; "Latest" if it is the highest stable version."""

    kind = POINTER
    forge: Forge
    plan: Plan
    page: str = ""
    """The repository's page."""

    @property
    def title(self) -> str:
        """Name the release."""
        return f"release {self.plan.tag}"

    @property
    def planned(self) -> str:
        """Describe whether it must be "Latest"."""
        return f"published{', Latest' * self.plan.latest}"

    @property
    def link(self) -> str:
        """Return the release's page."""
        return self.page and f"{self.page}/releases/tag/{self.plan.tag}"

    def observe(self) -> State:
        """Check whether it is published, and whether "Latest" is right."""
        release = self.forge.release(self.plan.tag)
        if release is None:
            return Missing("not even a draft")
        if release.draft:
            return Missing("a draft")
        if self._latest_is_wrong():
            return Missing("published, not Latest")
        if self.forge.spare(self.plan.tag):
            return Missing("published, but there is also a draft")
        return Matches(release.html_url)

    def apply(self) -> None:
        """Publish the draft with its current title and notes, and delete other drafts."""
        self.forge.delete_spare(self.plan.tag)
        self.forge.edit(
            self.plan.tag,
            draft=False,
            prerelease=self.plan.prerelease,
            make_latest="true" if self._latest_is_wrong() else "false",
        )

    def _latest_is_wrong(self) -> bool:
        """A higher version that was released since keeps "Latest"."""
        if not self.plan.latest:
            return False
        latest = self.forge.latest()
        if latest is None or latest == self.plan.tag:
            return latest is None
        held = self.plan.style.either.read(latest)
        return held is None or held < version.parse(self.plan.version)


def marked(notes: str, *locks: str, title: str = "") -> str:
    """End the notes with their own hash, the lock's and the title's, in a comment.

    It tells later whether notes or title were edited, and whether the lock was exchanged.
    """
    text = _plain(notes)
    titled = [f"title sha256:{_hash(title)}"] if title else []
    marks = ", ".join([f"release-notes sha256:{_hash(text)}", *map(lockfile.mark, locks), *titled])
    return f"{text}\n\n<!-- {marks} -->\n"


def edited(body: str | None) -> bool:
    """Tell whether a person changed the notes since they were written."""
    text = _plain(body or "")
    mark = MARK.search(text)
    return bool(text) and (mark is None or _hash(_plain(text[: mark.start()])) != mark[1])


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _content(asset: GitReleaseAsset) -> bytes:
    answer = asset.download_asset(chunk_size=1 << 16)
    return b"".join(answer[2]) if answer else b""


def _same(asset: GitReleaseAsset, path: Path) -> bool:
    return asset.state == "uploaded" and asset.digest == f"sha256:{_sha256(path)}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
