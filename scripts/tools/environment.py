"""Read the environment of GitHub Actions or of a laptop's shell; only this module does."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.core.errors import UsageError
from scripts.core.jobs import WORKFLOW
from scripts.core.planning import REPOSITORY
from scripts.tools import event, redaction
from scripts.tools.event import Event
from scripts.tools.pause import Pause

CREDENTIALS = (
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "PACKAGE_INDEX_USERNAME",
    "PACKAGE_INDEX_TOKEN",
    "REGISTRY_USERNAME",
    "REGISTRY_TOKEN",
)
# The variables whose values are hidden.
SECRET = re.compile(r"TOKEN|PASSWORD|SECRET", re.IGNORECASE)
DAY = 86400.0  # seconds; more makes no sense, and much more no timeout
DEADLINE = 600.0
SILENCE = 30.0
WEBHOOKS = "ANNOUNCE_SECRETS"
LATIN = "\u00ff"  # the last character that a header can carry (RFC 9110, 5.5)
LOCAL = r"(localhost|127\.0\.0\.1)(:|$)"
HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?"
# The variables that programs may see. All others, above all secrets, are passed by name.
SOURCE_POLICY = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"
"""Where buildx finds a file that replaces sources, such as a base image by its digest."""
INHERITED = (
    SOURCE_POLICY,
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "UV_CACHE_DIR",
    "UV_SYSTEM_CERTS",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def host_of(image: str) -> str:
    """Return the registry's host in an image's repository; empty if it names none."""
    first = image.partition("/")[0]
    return first if "." in first or ":" in first or first == "localhost" else ""


@dataclass(frozen=True)
class Endpoints:
    """The addresses of index, registry and forge; by default the public ones."""

    server_url: str
    api_url: str
    repository: str
    """`owner/name` on the forge."""
    index_upload: str | None
    index_simple: str | None
    registry: str
    advisories: str | None = None
    """Where the database of advisories is, instead of where the table says."""
    hub_mirror: str | None = None
    """The registry that is asked for images of Docker Hub, instead of it."""

    @property
    def page_url(self) -> str:
        """The repository's page, which is also where it is cloned from and pushed to."""
        return f"{self.server_url}/{self.repository}"

    def hosted(self, image: str) -> str:
        """Return an image's repository with its host: its own, or else that of all images.

        A registry on this machine gets all of them, since a rehearsal must not push elsewhere.
        """
        host = host_of(image)
        if host and not re.match(LOCAL, self.registry):
            return image
        return f"{self.registry}/{image.removeprefix(f'{host}/')}"


@dataclass(frozen=True)
class Secrets:
    """Credentials, which are never shown."""

    github: str | None = None
    index_username: str | None = None
    index_token: str | None = None
    registry_username: str | None = None
    registry_token: str | None = None
    webhooks: str | None = None
    """Lines of `NAME=ADDRESS`, with a token after the address if the service needs one."""

    def webhook(self, name: str) -> tuple[str, str] | None:
        """Return a webhook's address and its token; None if the secret does not have it."""
        for line in (self.webhooks or "").splitlines():
            key, _, rest = line.strip().partition("=")
            address, _, token = rest.strip().partition(" ")
            if key.strip() == name and address:
                return address, token.strip()
        return None

    def __repr__(self) -> str:
        """Hide the values from tracebacks and logs."""
        return "Secrets(…)"


@dataclass(frozen=True)
class Trigger:
    """The event that started the run."""

    version: str | None
    """The typed version, or `patch`, `minor`, `major`, `rc`."""
    title: str | None
    """The typed headline; without it the changelog's headline, if any."""
    good: str | None
    """The target version of a rollback."""
    dry_run: bool
    tag: str | None
    """The tag that was pushed, if that started it."""
    sha: str | None
    branch: str | None
    run_url: str | None


class Environment:
    """The variables of a step, read once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {key: value for key, value in environ.items() if value}
        self._known = [value for key, value in self._environ.items() if SECRET.search(key)]
        webhooks = self._environ.get(WEBHOOKS, "").splitlines()
        self._known += [one for line in webhooks for one in line.partition("=")[2].split()]
        self._cleaner = redaction.cleaner(self._known)

    @classmethod
    def current(
        cls,
        *,
        version: str | None = None,
        good: str | None = None,
        dry_run: bool = False,
    ) -> "Environment":
        """Read this process's environment; typed arguments override it."""
        typed = {
            "RELEASE_VERSION": version,
            "RELEASE_GOOD": good,
            "RELEASE_DRY_RUN": "true" if dry_run else None,
        }
        given = {key: value for key, value in typed.items() if value}
        return cls({**os.environ, **given})

    def clean(self, text: str) -> str:
        """Hide the secrets in a text: all that leaves the process goes through this."""
        return self._cleaner(text)

    def hide(self, secret: str) -> None:
        """Hide one more secret from now on, which this process came by itself."""
        self._known.append(secret)
        self._cleaner = redaction.cleaner(self._known)

    def get(self, name: str) -> str | None:
        """Return a variable; None for an empty one, since GitHub passes an unset value as empty."""
        return self._environ.get(name)

    @property
    def on_actions(self) -> bool:
        """Whether this runs as a step of GitHub Actions."""
        return self.get("GITHUB_ACTIONS") == "true"

    def endpoints(self, origin: str | None = None) -> Endpoints:
        """Return the services' addresses; `origin` is the address of the git remote."""
        server = self._formed("GITHUB_SERVER_URL", r"(https?|file)://\S+", "https://github.com")
        api = self._formed("GITHUB_API_URL", r"https?://[^\s/]+(/\S*)?", "https://api.github.com")
        named = self._formed("GITHUB_REPOSITORY", REPOSITORY, "")
        return Endpoints(
            server_url=server,
            api_url=api,
            repository=named or _repository(origin),
            index_upload=self.get("PACKAGE_INDEX_UPLOAD_URL"),
            index_simple=self.get("PACKAGE_INDEX_URL"),
            registry=self._formed("IMAGE_REGISTRY", HOST, "docker.io"),
            advisories=self.get("VULNERABILITY_DATABASE_URL"),
            hub_mirror=self._formed("DOCKER_HUB_MIRROR", HOST, "") or None,
        )

    def _formed(self, name: str, form: str, default: str) -> str:
        """Return a variable that must match a pattern, or the default."""
        value = self.get(name)
        if value and not re.fullmatch(form, value):
            raise UsageError(
                f"{name} is {value!r}, which does not have the form {form}",
                f"correct it, such as {default or 'owner/name'}, or do not set it",
            )
        return value or default

    def secrets(self) -> Secrets:
        """Return this step's credentials.

        Raises UsageError for one that no request can carry, such as one with a line ending.
        """
        for name in CREDENTIALS:
            value = self.get(name) or ""
            if value != value.strip() or not value.isprintable() or max(value, default="") > LATIN:
                raise UsageError(
                    f"{name} has white space around it, or a character that tokens never have",
                    "set it again without that: copied text often ends with a line break",
                )
        return Secrets(
            github=self.get("GITHUB_TOKEN") or self.get("GH_TOKEN"),
            index_username=self.get("PACKAGE_INDEX_USERNAME"),
            index_token=self.get("PACKAGE_INDEX_TOKEN"),
            registry_username=self.get("REGISTRY_USERNAME"),
            registry_token=self.get("REGISTRY_TOKEN"),
            webhooks=self.get(WEBHOOKS),
        )

    def trusted(self) -> str:
        """Give the file with the trust configuration of signatures; empty for the public one."""
        return self.get("RELEASE_TRUST") or ""

    def build(self) -> dict[str, str]:
        """Give what a provenance says of the run that signs."""
        repository = self.get("GITHUB_REPOSITORY") or ""
        path = (self.get("GITHUB_WORKFLOW_REF") or "").partition("@")[0]
        trigger = self.trigger()
        return {
            "repository": repository,
            "ref": self.get("GITHUB_REF") or "",
            "workflow": path.removeprefix(f"{repository}/") or WORKFLOW,
            "commit": trigger.sha or "",
            "run": trigger.run_url or "",
        }

    def trigger(self) -> Trigger:
        """Return the trigger of the run: the typed inputs, or a pushed tag."""
        tagged = self.get("GITHUB_REF_TYPE") == "tag"
        name = self.get("GITHUB_REF_NAME")
        run = self.get("GITHUB_RUN_ID")
        server, repository = self.get("GITHUB_SERVER_URL"), self.get("GITHUB_REPOSITORY")
        return Trigger(
            version=self.get("RELEASE_VERSION"),
            title=self.get("RELEASE_TITLE"),
            good=self.get("RELEASE_GOOD"),
            dry_run=self.get("RELEASE_DRY_RUN") == "true",
            tag=name if tagged else None,
            sha=self.get("GITHUB_SHA"),
            branch=None if tagged else name,
            run_url=f"{server}/{repository}/actions/runs/{run}" if run else None,
        )

    def attempt(self) -> int:
        """Return the number of this attempt of the run, from 1."""
        return int(self.get("GITHUB_RUN_ATTEMPT") or 1)

    def event(self) -> Event:
        """Read the event's payload: the pull request that this run is for."""
        return event.read(self.get("GITHUB_EVENT_PATH"))

    def needs(self) -> dict[str, Any]:
        """Return the results of the jobs before this one: GitHub's context `needs`."""
        text = self.get("CI_NEEDS")
        if text is None and not self.on_actions:
            return {}
        try:
            found = json.loads(text or "")
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"CI_NEEDS is {text!r}, which is not JSON", "give it `toJson(needs)`"
            ) from error
        if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
            raise UsageError(
                f"CI_NEEDS is {text!r}, expected an object of objects", "give it `toJson(needs)`"
            )
        return found

    def inherited(self, **more: str) -> dict[str, str]:
        """Return the environment of a started program: the variables it needs, and `more`."""
        kept = {key: self._environ[key] for key in INHERITED if key in self._environ}
        return {**kept, **more}

    def patience(self, most: float = float("inf")) -> Pause:
        """Return a new deadline: `RELEASE_DEADLINE` or ten minutes, but at most `most` seconds."""
        return Pause(min(most, self._seconds("RELEASE_DEADLINE", DEADLINE)))

    def silence(self) -> float:
        """Return the timeout in seconds of a silent service: `RELEASE_SILENCE`, or 30."""
        return self._seconds("RELEASE_SILENCE", SILENCE)

    def _seconds(self, name: str, default: float) -> float:
        text = self.get(name)
        try:
            seconds = float(text) if text else default
        except ValueError:
            seconds = 0
        if not 0 < seconds <= DAY:  # also false for NaN
            raise UsageError(
                f"{name} is {text!r}, expected seconds, more than 0 and at most {DAY:.0f}",
                f"set it to seconds, such as {default:.0f}, or do not set it",
            )
        return seconds


def _repository(origin: str | None) -> str:
    """Read `owner/name` out of a remote's address, `https://…` or `git@host:…`."""
    address = (origin or "").rstrip("/").removesuffix(".git")
    # `host:path`, the form of ssh, is not a URL: use all of it as the path.
    path = address.partition("://")[2].partition("/")[2] if "://" in address else address
    found = "/".join(path.rpartition(":")[2].strip("/").split("/")[-2:])
    if not re.fullmatch(REPOSITORY, found):
        raise UsageError(
            "cannot determine the repository: neither GITHUB_REPOSITORY nor a git remote "
            "`origin` is set",
            "set GITHUB_REPOSITORY=owner/name, or run this in a clone",
        )
    return found
