"""The workflow files of a checkout, read as GitHub reads them: values that know their lines."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from scripts.core import ci_plan
from scripts.core.jobs import JOBS

WORKFLOWS = Path(".github/workflows")
RELEASE, ROLLBACK, CI, IMAGE = "release.yml", "rollback.yml", "ci.yml", "image.yml"
AUDIT = "audit.yml"
WATCH = "watch.yml"
CHANGELOG = "changelog.yml"
ENTRY = "entry.yml"
STAGE = "./.github/actions/stage"
SETUP = "./.github/actions/setup"
EXPECTED = {
    RELEASE: tuple(job.name for job in JOBS),
    ROLLBACK: ("plan", "rollback", "verify"),
    CI: ("plan", *ci_plan.TARGETS, "ci"),
    IMAGE: ("build",),
    AUDIT: ("audit",),
    WATCH: ("look", "scan", "issues", "propose"),
    CHANGELOG: ("draft",),
    ENTRY: ("changelog",),
}
"""Workflow -> the jobs that it must have."""
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

Problems = Iterator[str]
"""Sentences, each with the file and the line that it is about: see `at`."""
Job = Mapping[str, Any]


class Node(dict[str, Any]):
    """One mapping of a file, which knows its own line and that of each key, from 1."""

    path: str
    line: int
    lines: Mapping[str, int]


def at(node: Mapping[str, Any], *keys: str) -> str:
    """Return `PATH:LINE` of what the keys lead to; of the last one that is there."""
    assert isinstance(node, Node), "all mappings of a file are"
    line = node.line
    for key in keys:
        if key not in node:
            break
        line, below = node.lines[key], node[key]
        if not isinstance(below, Node):
            break
        node = below
    return f"{node.path}:{line}"


@dataclass(frozen=True)
class File:
    """One YAML file below `.github`. Its path is as seen from the checkout's root."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def data(self) -> Node:
        """The values. YAML 1.1 reads the key `on` as true, GitHub does not."""
        return _parsed(str(self.path), self.text)

    @property
    def jobs(self) -> Mapping[str, Job]:
        return dict(self.data.get("jobs", {}))

    def steps(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield every step with the name of its job, or of the composite action."""
        for name, job in self.jobs.items():
            for step in job.get("steps") or ():
                yield name, step
        for step in self.data.get("runs", {}).get("steps") or ():
            yield self.path.parent.name, step

    def values(self, key: str) -> Iterator[tuple[int, yaml.Node]]:
        """Yield every value of a key, however deep, with the line (from 1) that it begins on."""
        yield from _values(_composed(self.text), key)

    def line(self, number: int) -> str:
        return self.text.splitlines()[number - 1]


@dataclass(frozen=True)
class Tree:
    """A checkout, or a copy of its `.github` and `docs`; `changed` has other texts by path."""

    root: Path
    changed: Mapping[str, str] = field(default_factory=dict)

    def changing(self, path: str, text: str) -> "Tree":
        """Return the same with another text of one file."""
        return replace(self, changed={**self.changed, path: text})

    @cached_property
    def files(self) -> tuple[File, ...]:
        """Every workflow and every action of this repository."""
        paths = [*self.root.glob(".github/workflows/*"), *self.root.glob(".github/actions/*/*.yml")]
        names = (path.relative_to(self.root) for path in sorted(paths))
        return tuple(File(path, self.read(path.as_posix())) for path in names)

    @property
    def workflows(self) -> tuple[File, ...]:
        return tuple(file for file in self.files if file.jobs)

    def workflow(self, name: str) -> File:
        return next(file for file in self.workflows if file.name == name)

    def action(self, name: str) -> File:
        return next(one for one in self.files if one.path.parent.name == name)

    def read(self, path: str) -> str:
        return self.changed.get(path) or _text(self.root / path)

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


def as_map(node: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return node if isinstance(node, Mapping) else {}


class _Loader(yaml.CSafeLoader):
    """Makes mappings that know their lines. The key `on` is a text."""

    file = ""

    def mapping(self, node: yaml.MappingNode) -> Node:
        made = Node()
        made.path, made.line = self.file, node.start_mark.line + 1
        lines = {}
        for key, value in node.value:
            name = str(key.value)
            made[name] = self.construct_object(value, deep=True)
            lines[name] = key.start_mark.line + 1
            if isinstance(made[name], Node):
                made[name].line = lines[name]
        made.lines = lines
        return made


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)


@cache
def _parsed(path: str, text: str) -> Node:
    loader = _Loader(text)
    loader.file = path
    try:
        data: Node = loader.get_single_data()
        data.line = 1
        return data
    finally:
        loader.dispose()


@cache
def _composed(text: str) -> yaml.Node | None:
    return yaml.compose(text, yaml.CSafeLoader)


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _values(node: yaml.Node | None, key: str) -> Iterator[tuple[int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                yield name.start_mark.line + 1, value
            yield from _values(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _values(child, key)
