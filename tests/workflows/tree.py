"""The workflow files of a checkout, read as GitHub reads them: as text, as values, as places."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

WORKFLOWS = Path(".github/workflows")
RELEASE, ROLLBACK, CI, IMAGE = "release.yml", "rollback.yml", "ci.yml", "image.yml"
AUDIT = "audit.yml"
CHANGELOG = "changelog.yml"
ENTRY = "entry.yml"
STAGE = "./.github/actions/stage"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

Problems = Iterator[str]
Job = Mapping[str, Any]


@dataclass(frozen=True)
class File:
    """One YAML file below `.github`."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def data(self) -> dict[str, Any]:
        """The values. YAML 1.1 reads the key `on` as true, GitHub does not."""
        return {("on" if key is True else key): value for key, value in _parsed(self.text).items()}

    @property
    def jobs(self) -> Mapping[str, Job]:
        return dict(self.data.get("jobs", {}))

    def steps(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield every step with the name of its job, or of the composite action."""
        for name, job in self.jobs.items():
            for step in job.get("steps", ()):
                yield name, step
        for step in self.data.get("runs", {}).get("steps", ()):
            yield self.path.parent.name, step

    def values(self, key: str) -> Iterator[tuple[int, yaml.Node]]:
        """Yield every value of a key, however deep, with the line (from 1) that it begins on."""
        yield from _values(_composed(self.text), key)

    def line(self, number: int) -> str:
        return self.text.splitlines()[number - 1]


@dataclass(frozen=True)
class Tree:
    """A checkout, or a copy of its `.github` and `docs`."""

    root: Path

    @property
    def files(self) -> tuple[File, ...]:
        """Every workflow and every action of this repository."""
        paths = [*self.root.glob(".github/workflows/*"), *self.root.glob(".github/actions/*/*.yml")]
        return tuple(File(path, path.read_text("utf-8")) for path in sorted(paths))

    @property
    def workflows(self) -> tuple[File, ...]:
        return tuple(file for file in self.files if file.jobs)

    def workflow(self, name: str) -> File:
        return next(file for file in self.workflows if file.name == name)

    def action(self, name: str) -> File:
        return next(one for one in self.files if one.path.parent.name == name)

    def read(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    def jobs(self) -> Iterator[tuple[str, str, Job]]:
        """Yield every job with its file's name and its own."""
        for file in self.workflows:
            for name, job in file.jobs.items():
                yield file.name, name, job


def strings(node: Any) -> Iterator[str]:
    """Yield every text below a value."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for child in node.values():
            yield from strings(child)
    elif isinstance(node, list):
        for child in node:
            yield from strings(child)


def named(context: str, node: Any) -> set[str]:
    """Return which `context.NAME` the expressions below a value read."""
    pattern = re.compile(rf"\b{re.escape(context)}\.([\w-]+)")
    inside = (expression for text in strings(node) for expression in EXPRESSION.findall(text))
    return {name for expression in inside for name in pattern.findall(expression)}


def needs(job: Job) -> list[str]:
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else list(found)


@cache
def _parsed(text: str) -> dict[Any, Any]:
    return dict(yaml.load(text, yaml.CSafeLoader))


@cache
def _composed(text: str) -> yaml.Node | None:
    return yaml.compose(text, yaml.CSafeLoader)


def _values(node: yaml.Node | None, key: str) -> Iterator[tuple[int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                yield name.start_mark.line + 1, value
            yield from _values(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _values(child, key)
