"""`[tool.release]` of pyproject.toml: what this repository releases."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, NamedTuple

from scripts.core import announcement, scan_policy, tags
from scripts.core.errors import Place, ProblemsError, ReleaseError, UsageError
from scripts.core.noise import BOTS, SUBJECTS
from scripts.core.planning import BRANCH, INSIDE, PERSON, PROJECT, PYTHON_3
from scripts.release import version_source, wheel_tag
from scripts.release.version_source import Source, inside

FILE = "pyproject.toml"
TABLE = "tool.release"
NO_CHANGELOG = "none"
"""In the place of a changelog's path: the notes come from the history."""
AUTHOR = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"
LARGEST_PORT = 65535
OSV = "https://osv-vulnerabilities.storage.googleapis.com"
"""OSV's public archives (google.github.io/osv.dev, data)."""
ADDRESS = r"(https?|file)://\S+"
DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
PLATFORM = r"linux/(amd64|arm64)"
_PART = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
# A first part with a dot or a port is a registry's host (the reference grammar of distribution).
# Docker Hub's own addresses are not one: its images are named without a host.
_HUB = r"(?:[a-z0-9-]+\.)*docker\.(?:io|com)/"
_HOST = r"(?:localhost|(?=[^/]*[.:])[a-z0-9][a-z0-9.-]*)(?::[0-9]+)?"
REPOSITORY = rf"(?!{_HUB})(?:{_HOST}/{_PART}|(?![^/]*[.:]|localhost/){_PART}/{_PART})(?:/{_PART})*"
HOSTED = (
    "a path such as owner/name, in small letters, and before it the registry's host if that is "
    "not the registry of the variable IMAGE_REGISTRY, such as ghcr.io/owner/name"
)
BUILT = "linux/amd64 or linux/arm64: no runner builds another platform"
FOLDER = rf"\.|(?!\.)(?!.*[\s:]){INSIDE}"
PATH = "a path from the repository's root that does not lead out of it"


def _key(
    meaning: str, *, pattern: str = r".+", form: str = "", command: bool = False, **options: Any
) -> Any:
    """Declare one key: its meaning, and the pattern of its text; `form` describes the pattern.

    The texts of a `command` may repeat.
    """
    said = {"meaning": meaning, "pattern": pattern, "form": form, "command": command}
    return field(metadata=said, kw_only=True, **options)


def _path(meaning: str, pattern: str = INSIDE, **options: Any) -> Any:
    return _key(meaning, pattern=pattern, form=PATH, **options)


@dataclass(frozen=True)
class VersionFile:
    """A file besides pyproject.toml that repeats the version."""

    path: str = _path("The file, from the repository's root.")
    line: str = _key("The text around the version.", pattern=r".*\{version\}.*")


@dataclass(frozen=True)
class ImageConfig:
    """One image of the release."""

    name: str = _key(
        "Its short name, which is also its compose service.", pattern=r"[a-z][a-z0-9_-]*"
    )
    dockerfile: str = _path("The Dockerfile, from the repository's root.")
    context: str = _path(
        "The folder that the Dockerfile copies from, from the repository's root.",
        pattern=FOLDER,
        default=".",
    )
    target: str | None = _key(
        "The stage of the Dockerfile that is built; without one the last.",
        pattern=r"[a-zA-Z0-9][\w.-]*",
        default=None,
    )
    build_args: tuple[str, ...] = _key(
        "The build's arguments, each as NAME=value.", pattern=r"[A-Za-z_]\w*=.*", default=()
    )
    repository: str = _key(
        "Where it is pushed: the path, and the registry's host if the image has its own registry.",
        pattern=REPOSITORY,
        form=HOSTED,
    )
    platforms: tuple[str, ...] = _key(
        "The platforms it is built for.", pattern=PLATFORM, form=BUILT
    )
    port: int | None = _key("The port its health is asked on.", default=None)
    health: str | None = _key(
        "The path that answers 200 when it is ready.", pattern="/.*", default=None
    )
    version: str | None = _key('The path that answers {"version": …}.', pattern="/.*", default=None)


@dataclass(frozen=True)
class PackageConfig:
    """The Python package of the release."""

    modules: tuple[str, ...] = _key(
        "The top-level names that the wheel may hold, all of them.",
        pattern=r"[A-Za-z_]\w*",
        form="the name of a module",
    )
    extras: tuple[str, ...] = _key(
        "Extras that the notes show how to install, beside the plain package.",
        pattern=r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?",
        default=(),
    )
    build_constraints: str | None = _path(
        "The lock file of the build's packages: constraints of pip, with hashes. Without it, "
        "each build takes the newest packages that the project allows.",
        default=None,
    )
    environment: str | None = _path(
        "The lock of what the package runs with, which its SBOM lists: pip's requirements or "
        "uv.lock. Without one, uv.lock if there is one.",
        default=None,
    )


@dataclass(frozen=True)
class DraftConfig:
    """The changes that the changelog's draft omits. In a pattern, `*` matches any text."""

    skip_authors: tuple[str, ...] = _key(
        "Programs, which no entry names; what only they wrote has none.", default=BOTS
    )
    skip_subjects: tuple[str, ...] = _key(
        "Titles of commits and pull requests without an entry; `{version}` matches any version.",
        default=SUBJECTS,
    )


@dataclass(frozen=True)
class WebhookConfig:
    """A webhook that gets one message for each release."""

    name: str = _key("Its name: the secret has its address by it.", pattern=r"[a-z][a-z0-9-]*")
    kind: str = _key("Whose form the message has.", pattern="|".join(announcement.BODIES))


@dataclass(frozen=True)
class AnnounceConfig:
    """Where a release is announced, once its pointers have moved."""

    webhooks: tuple[WebhookConfig, ...] = _key("Chats and timelines.", default=())
    comments: bool = _key(
        "Whether issues and pull requests that the section names get a comment.", default=False
    )
    discussion: str | None = _key(
        "The category in which GitHub opens a discussion for the release.", default=None
    )


@dataclass(frozen=True)
class ExceptionConfig:
    """A vulnerability that does not stop releases for a while."""

    id: str = _key("Its id: CVE-…, GHSA-…, PYSEC-….", pattern=r"[A-Za-z]+(-[\w.]+)+")
    until: str = _key(
        "The last day on which it does not stop.", pattern=DAY, form="a day as YYYY-MM-DD"
    )
    reason: str = _key("Why it can wait.")


@dataclass(frozen=True)
class ArchiveConfig:
    """The security archive of a distribution, which apt is asked as a second opinion."""

    distro: str = _key(
        "The distribution, by ID and VERSION_ID of its os-release: `debian-13`.",
        pattern=r"[a-z][\w.]*-[\w.]+",
    )
    source: str = _key(
        "A line of sources.list, with the keyring: `deb [signed-by=FILE] ADDRESS SUITE main`.",
        pattern=r"deb \S.*",
    )


@dataclass(frozen=True)
class ScanConfig:
    """What is scanned for known vulnerabilities, and what stops a release."""

    stop: str = _key(
        "What stops: a level, and `fixable` before it if only what has a fix does.",
        pattern=scan_policy.POLICY,
        form="`fixable high`, `critical`, `never` or the like",
        default="fixable high",
    )
    database: str = _key(
        "Where the advisories are: `ECOSYSTEM/all.zip` below this address.",
        pattern=ADDRESS,
        form="an address",
        default=OSV,
    )
    fallback: str | None = _key(
        "Where a copy of them is that is used, with its age shown, if `database` cannot be had; "
        "without one the release stops.",
        pattern=ADDRESS,
        form="an address",
        default=None,
    )
    exceptions: tuple[ExceptionConfig, ...] = _key("What may wait.", default=())
    archives: tuple[ArchiveConfig, ...] = _key(
        "Distributions' own archives, asked what they would upgrade.", default=()
    )


@dataclass(frozen=True)
class ScorecardConfig:
    """What the performance of a release is compared by."""

    script: str | None = _path(
        "The project's benchmark: a Python script that prints a JSON object of names and numbers, "
        "the less the better. It runs with each release's package.",
        default=None,
    )
    stop: bool = _key("Whether something slower or larger stops the release.", default=False)


@dataclass(frozen=True)
class WatchConfig:
    """What the weekly watch of past releases looks at."""

    releases: int = _key("How many of the last releases it scans.", default=3)
    image_tags: tuple[str, ...] = _key(
        "Tags of images that no release makes, such as `nightly`: the audit accepts them.",
        default=(),
    )
    refresh: tuple[str, ...] = _key(
        "The command that updates vulnerable packages in lock files, for a pull request. "
        "`{packages}` becomes `--upgrade-package=NAME` for each.",
        default=(),
    )
    runtimes: str | None = _path(
        "A table of more or corrected ends of life, in the form of scripts/release/runtimes.toml.",
        default=None,
    )


@dataclass(frozen=True)
class Config:
    """Everything that the release knows of the project."""

    name: str | None = _key(
        "The project's name, where pyproject.toml states none: the build is set up by setup.py "
        "or setup.cfg.",
        pattern=PROJECT,
        default=None,
    )
    version_in: str | None = _path(
        "The file that states the version, where pyproject.toml names none.", default=None
    )
    branch: str | None = _key(
        "The branch whose changelog a rollback marks; without it, the remote's default branch.",
        pattern=BRANCH,
        form="the name of a branch",
        default=None,
    )
    changelog: str = _path(
        "The changelog, from the repository's root; `none` takes the notes from the history.",
        default="CHANGELOG.md",
    )
    notes_template: str | None = _path(
        "A Jinja2 template of the release notes; without one they have the usual layout.",
        default=None,
    )
    internal: tuple[str, ...] = _key(
        "Groups of the changelog that are not for users: the notes fold them.",
        default=("Internal",),
    )
    tag: str | None = _key(
        "The spelling of the versions' tags; without it, that of the highest version.",
        pattern=tags.TEMPLATE,
        default=None,
    )
    next_dev: str | None = _key(
        "The number that a release raises for the development version that its branch states "
        "afterwards, such as 3.3.0.dev0; without it, the branch states the released version.",
        pattern="major|minor|patch",
        form="major, minor or patch",
        default=None,
    )
    compose: str | None = _path("The compose file whose pinned copy users get.", default=None)
    acceptance: str | None = _path("A script that uses the started services.", default=None)
    shipped: tuple[str, ...] = _path(
        "More top-level folders whose change users notice.", default=()
    )
    setup: tuple[str, ...] = _key(
        "The command that installs what `checks` needs. Both then run in a new virtual environment "
        "of Python, which has only pip.",
        command=True,
        default=(),
    )
    checks: tuple[str, ...] = _key(
        "The command that checks the release commit.", command=True, default=("make", "check")
    )
    author: str = _key(
        "Who the release commit is by.", pattern=PERSON, form="`name <address>`", default=AUTHOR
    )
    version_files: tuple[VersionFile, ...] = _key("More files with the version.", default=())
    package: PackageConfig | None = _key(
        "The package; none if only images are released.", default=None
    )
    announce: AnnounceConfig = _key(
        "The places where a release is announced; without it, none.", default=AnnounceConfig()
    )
    images: tuple[ImageConfig, ...] = _key("The images; none if only a package is.", default=())
    scan: ScanConfig | None = _key(
        "The scan for known vulnerabilities; without it, none.", default=None
    )
    scorecard: ScorecardConfig | None = _key(
        "The comparison of performance with the last release; without it, none.", default=None
    )
    watch: WatchConfig = _key("What the weekly watch looks at.", default=WatchConfig())
    draft: DraftConfig = _key(
        "The changes that the changelog's draft omits.", default=DraftConfig()
    )
    project: str = ""
    """The name in [project]; without one the repository's, once the context is known."""
    version: str = ""
    """The version as written; empty if only the tags or another file have it."""
    source: Source = Source()  # noqa: RUF009 - it is frozen
    """The place of the version."""
    python_tag: str = PYTHON_3
    """That of the wheel, as the build backend decides."""

    @property
    def keeps_changelog(self) -> bool:
        """Whether there is a file that the release's section is cut in."""
        return self.changelog != NO_CHANGELOG

    @property
    def kept_changelog(self) -> str:
        """The path of that file; empty without one."""
        return self.changelog if self.keeps_changelog else ""

    @property
    def from_tags(self) -> bool:
        """Whether only the highest tag states the version."""
        return self.source.kind == version_source.TAGS


SECTIONS: dict[str, type[Any]] = {
    "version_files": VersionFile,
    "package": PackageConfig,
    "images": ImageConfig,
    "announce": AnnounceConfig,
    "webhooks": WebhookConfig,
    "draft": DraftConfig,
    "scan": ScanConfig,
    "exceptions": ExceptionConfig,
    "archives": ArchiveConfig,
    "scorecard": ScorecardConfig,
    "watch": WatchConfig,
}


class Examined(NamedTuple):
    """What could be read of a configuration, and all that is wrong with it."""

    config: Config
    """Without the keys and tables that are wrong."""
    problems: list[ReleaseError]
    line: Callable[[str], int]
    """Gives the line of a key by its dotted path, or of the nearest table around it."""


def parse(text: str) -> Config:
    """Read the configuration out of the text of a pyproject.toml.

    Raises `ProblemsError` with every unknown, absent and wrong key at once, each with its line.
    """
    found = examine(text)
    if found.problems:
        raise ProblemsError(found.problems)
    return found.config


def loaded(text: str) -> dict[str, Any]:
    """Read the text of a pyproject.toml. Raises UsageError with the line if it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = Place(FILE, int(line[1]) if line else 0)
        raise UsageError(f"not valid TOML: {error}", "correct the file", place) from error
    except RecursionError as error:
        cause = "not valid TOML: something is nested too deep"
        raise UsageError(cause, "correct the file", Place(FILE)) from error


def examine(text: str) -> Examined:
    """Read what can be read of it, and find every problem, each with its line."""
    data = loaded(text)
    reader = _Reader(text)
    values = reader.table(Config, inside(data, "tool", "release"), TABLE)
    project = reader.project(data, "package" in values)
    reader.sense(values, project["source"])
    right = {key: value for key, value in values.items() if value not in (None, ())}
    problems = sorted(reader.problems, key=lambda e: e.place.line if e.place else 0)
    return Examined(Config(**right, **project), problems, reader.line)


def completed(config: Config, repository: str, read: version_source.Read) -> Config:
    """Fill in what pyproject.toml does not say: the version's file, the repository's name.

    The file with the version becomes one of `version_files`, so that the release sets it there.
    Raises UsageError if the file states no version.
    """
    config = replace(config, project=config.project or repository.rpartition("/")[2])
    if config.source.kind != version_source.IN_FILE:
        return config
    found = version_source.stated(config.source, read)
    files = config.version_files
    if found.path not in {file.path for file in files}:
        files = (*files, VersionFile(path=found.path, line=found.line))
    return replace(config, version=found.version, version_files=files)


class _Reader:
    """Reads tables into dataclasses and collects their problems."""

    def __init__(self, text: str) -> None:
        self.problems: list[ReleaseError] = []
        self._lines = dict(_positions(text))

    def project(self, data: dict[str, Any], package: bool) -> dict[str, Any]:
        """Read name and version. A project that releases only images may omit both."""
        name, version = (version_source.static(data, key) for key in ("name", "version"))
        name = name or inside(data, "tool", "release").get("name")
        if not isinstance(name, str) and (package or name is not None):
            remedy = 'write name = "…" in [project]; for a setup.py, in [tool.release]'
            self._wrong("project.name", "is missing", remedy)
        elif isinstance(name, str) and not re.fullmatch(PROJECT, name):
            remedy = "give it letters, digits, and single `-_.` between them"
            self._wrong("project.name", f"is {name!r}", remedy)
        name = name if isinstance(name, str) else ""
        source = Source() if version is not None else version_source.dynamic(data, name)
        if source is None and not package:
            source = Source(version_source.TAGS)
        listed = inside(data, "project").get("dynamic")
        if source is None and isinstance(listed, list) and "version" in listed:
            what = "is dynamic, and what computes it is not known here"
            self._wrong("project.version", what, version_source.REMEDY)
        elif source is None or not isinstance(version or "", str):
            self._wrong("project.version", "is missing", version_source.REMEDY)
        return {
            "project": name,
            "version": version if isinstance(version, str) else "",
            "source": source or Source(),
            "python_tag": wheel_tag.python_tag(data),
        }

    def sense(self, values: dict[str, Any], source: Source) -> None:
        """Find problems that no single key shows: nothing to release, or one name twice."""
        if values.get("next_dev") and source.kind == version_source.TAGS:
            what = "is set, but no file states the version: the tags do"
            self._wrong(f"{TABLE}.next-dev", what, "take it out")
        if not (values.keys() & {"package", "images"}):
            what = "has neither a package nor images, so it releases nothing"
            self._wrong(TABLE, what, f"add [{TABLE}.package] or [[{TABLE}.images]]")
        for key in ("name", "repository"):
            taken = set()
            for i, image in enumerate(values.get("images") or ()):
                value = getattr(image, key)
                if value in taken:
                    what = f"is {value!r}, as that of another image"
                    self._wrong(f"{TABLE}.images[{i}].{key}", what, "give it one of its own")
                taken.add(value)

    def table(self, kind: type[Any], table: dict[str, Any], path: str) -> dict[str, Any]:
        """Read one table into the keyword arguments of `kind`."""
        known = {f.name.replace("_", "-"): f for f in fields(kind) if f.metadata}
        for key in table.keys() - known.keys():
            self._wrong(
                f"{path}.{key}", "is not a key of this table", f"use one of {', '.join(known)}"
            )
        return {
            f.name: self._value(f, table[key], f"{path}.{key}")
            for key, f in known.items()
            if key in table or self._absent(f, f"{path}.{key}")
        }

    def _absent(self, f: Field[Any], path: str) -> bool:
        if f.default is MISSING:
            self._wrong(path, "is missing", f"add it: {f.metadata['meaning']}")
        return False

    def _value(self, f: Field[Any], value: Any, path: str) -> Any:
        if section := SECTIONS.get(f.name):
            return self._section(f, section, value, path)
        if str(f.type).startswith("tuple"):
            return tuple(self._texts(f, value, path))
        if f.type is bool:
            return self._checked(isinstance(value, bool), value, path, "true or false")
        if "int" in str(f.type):
            # To Python a bool is an int; to TOML it is not.
            right = type(value) is int and 0 < value <= LARGEST_PORT
            return self._checked(right, value, path, f"a number from 1 to {LARGEST_PORT}")
        return self._text(f, value, path)

    def _section(self, f: Field[Any], section: type[Any], value: Any, path: str) -> Any:
        many = str(f.type).startswith("tuple")
        tables = value if many else [value]
        if not (isinstance(tables, list) and all(isinstance(t, dict) for t in tables)):
            return self._checked(False, value, path, "a list of tables" if many else "a table")
        before = len(self.problems)
        read = [
            self.table(section, table, f"{path}[{i}]" if many else path)
            for i, table in enumerate(tables)
        ]
        if len(self.problems) > before:
            return None
        return tuple(section(**values) for values in read) if many else section(**read[0])

    def _texts(self, f: Field[Any], value: Any, path: str) -> Iterator[str]:
        right = isinstance(value, list) and bool(value)
        form = "a list of texts"
        if not f.metadata["command"]:
            right = right and len(value) == len({str(item) for item in value})
            form += ", none of them twice"
        if self._checked(right, value, path, form):
            read = [self._text(f, item, path) for item in value]
            yield from (text for text in read if text is not None)

    def _text(self, f: Field[Any], value: Any, path: str) -> Any:
        pattern = f.metadata["pattern"]
        right = isinstance(value, str) and re.fullmatch(pattern, value) is not None
        form = f.metadata["form"] or f"a text of the form {pattern}"
        return self._checked(right, value, path, form)

    def _checked(self, right: bool, value: Any, path: str, wanted: str) -> Any:
        if not right:
            self._wrong(path, f"is {value!r}", f"give it {wanted}")
        return value if right else None

    def _wrong(self, path: str, what: str, remedy: str) -> None:
        place = Place(FILE, self.line(path))
        self.problems.append(UsageError(f"{path} {what}", remedy, place))

    def line(self, path: str) -> int:
        """Return the line of a key, or of the nearest table around it."""
        while path not in self._lines and "." in path:
            # An inline table does not have its own line: use that of its list.
            path = path.rpartition("[" if path.endswith("]") else ".")[0]
        return self._lines.get(path, 0)


def _positions(text: str) -> Iterator[tuple[str, int]]:
    """Return each key's dotted path and its line; tomllib does not say where it read a value."""
    table, counts = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[(\[?)\s*([\w.\s\"-]+?)\s*\]", line):
            table = header[2]
            if header[1]:
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            yield table, number
        elif key := re.match(r"\s*([\w-]+)\s*=", line):
            yield f"{table}.{key[1]}", number
