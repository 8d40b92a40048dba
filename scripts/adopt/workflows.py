"""What the workflows of a repository publish: images, with the names that they are pushed by."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scripts.release.version_source import inside

FOLDER = ".github/workflows/"
PUBLISHES = re.compile(
    r"gh-action-pypi-publish|build-push-action|goreleaser|softprops/action-gh-release"
    r"|twine upload|\b(?:uv|poetry|hatch|flit|pdm|maturin|npm) publish|docker push"
    r"|docker/login-action|TWINE_PASSWORD|PYPI_(?:API_)?(?:TOKEN|PASSWORD)|deploy-pypi|\bscripts/publish\b"
)
UPLOADS = re.compile(
    r"gh-action-pypi-publish|twine|pypi|\b(?:uv|poetry|hatch|flit|pdm) publish|\bscripts/publish\b",
    re.IGNORECASE,
)
DEEP = 3
_VARIABLE = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
_SUFFIX = re.compile(r"(?::latest|\bsuffix=)(-[a-z][\w.-]*)")
_OFTEN = re.compile(r"nightly|canary|edge|preview|\bdev\b|test|pull|\bpr\b", re.IGNORECASE)
_NAME = re.compile(r"([a-z0-9][\w.:-]*(?:/[a-z0-9][\w.-]*)+?)(?::[^/]*)?")
Read = Callable[[str], str]


class Built(NamedTuple):
    """One image that a workflow builds and pushes."""

    dockerfile: str
    context: str
    names: tuple[str, ...]
    """Where it is pushed, each as it is written: perhaps with a host, without a tag."""
    suffix: str = ""
    """The end of its tags that tells it from other images of its repository: `-alpine`."""
    target: str | None = None
    platforms: tuple[str, ...] = ()
    """Those that the step names; none if it names none, or by a variable."""


def publishers(paths: Collection[str], read: Read) -> tuple[str, ...]:
    """Name the workflows that publish."""
    return tuple(one for one in _files(paths) if PUBLISHES.search(read(one)))


def uploads(paths: Collection[str], read: Read) -> bool:
    """Tell whether a workflow uploads a package to an index."""
    return any(UPLOADS.search(read(one)) for one in _files(paths))


def built(paths: Collection[str], read: Read, repository: str) -> Iterator[Built]:
    """Find the images; `repository` is `owner/name`. A file that is not YAML has none.

    Workflows that are named as those of a development build count if no other pushes an image.
    """
    files = _files(paths)
    released = [one for one in files if not _OFTEN.search(one.removeprefix(FOLDER))]
    found = list(_built_by(released, read, repository))
    yield from found or _built_by([one for one in files if one not in released], read, repository)


def _built_by(files: Sequence[str], read: Read, repository: str) -> Iterator[Built]:
    for path in files:
        try:
            flow = YAML(typ="safe", pure=True).load(read(path))
        except (YAMLError, ValueError):
            continue
        known = {"github.repository": repository, "github.repository_owner": _owner(repository)}
        known |= _environment(flow)
        for job in inside(flow, "jobs").values():
            steps = job.get("steps") if isinstance(job, dict) else None
            if isinstance(steps, list):
                yield from _of_job(
                    [one for one in steps if isinstance(one, dict)], known | _environment(job)
                )


def _files(paths: Collection[str]) -> list[str]:
    return sorted(one for one in paths if one.startswith(FOLDER) and one.endswith(("yml", "yaml")))


def _owner(repository: str) -> str:
    return repository.partition("/")[0]


def _environment(table: Any) -> dict[str, str]:
    return {f"env.{key}": str(value) for key, value in inside(table, "env").items()}


def _of_job(steps: list[dict[str, Any]], known: Mapping[str, str]) -> Iterator[Built]:
    """Find the steps that push; their tags may come from a step that lists the images."""
    described = {
        str(one.get("id", "")): inside(one, "with")
        for one in steps
        if "docker/metadata-action" in str(one.get("uses", ""))
    }
    listed = {key: str(told.get("images", "")) for key, told in described.items()}
    forms = [f"{told.get('tags', '')}\n{told.get('flavor', '')}" for told in described.values()]
    outputs = {f"steps.{key}.outputs.tags": text for key, text in listed.items()}
    for step in steps:
        told = inside(step, "with")
        pushes = told.get("push") or "push=true" in str(told.get("outputs", ""))
        if "build-push-action" not in str(step.get("uses", "")) or not pushes:
            continue
        alone = next(iter(listed.values()), "") if len(listed) == 1 else ""
        given = told.get("tags") or alone or told.get("outputs", "")
        text = _filled(str(given), {**outputs, **known})
        context = _path(_filled(str(told.get("context", ".")), known))
        file = str(told.get("file") or f"{context}/Dockerfile")
        suffix = _SUFFIX.search("\n".join([text, *(forms if len(forms) == 1 else ())]))
        yield Built(
            _path(_filled(file, known)),
            context,
            tuple(_names(_filled(text, known))),
            suffix[1] if suffix else "",
            _literal(told.get("target")),
            tuple(_platforms(_filled(str(told.get("platforms", "")), known))),
        )


def _literal(value: Any) -> str | None:
    """Return a text of a step, unless a variable stands in it."""
    return str(value) if value and "${{" not in str(value) else None


def _platforms(text: str) -> Iterator[str]:
    """Read the names of platforms; 64-bit ARM has three."""
    for one in re.findall(r"linux/[a-z0-9]+(?:/v\d)?", text):
        yield "linux/arm64" if one in ("linux/arm/v8", "linux/arm64/v8") else one


def _filled(text: str, known: Mapping[str, str]) -> str:
    """Put in what variables stand for, and what theirs do."""
    for _ in range(DEEP):
        text = _VARIABLE.sub(lambda found: known.get(found[1], found[0]), text)
    return text


def _path(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return "/".join(parts) or "."


def _names(text: str) -> Iterator[str]:
    """Read the names of images out of lines; one that a run alone can name is left out."""
    for word in dict.fromkeys(re.split(r"[\s,]+", text)):
        if found := _NAME.fullmatch(word.removeprefix("name=").lower()):
            yield found[1]
