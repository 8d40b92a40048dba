"""Small faults of workflow files, one at a time: what a reviewer could overlook in a change.

Everything that says something to the platform is dropped, renamed or given another value. Texts for
people (descriptions, comments, names of steps) are left alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

FOR_PEOPLE = {"description"}
# Keys whose names are this repository's own; the platform knows all others.
OWN_NAMES = {"env", "outputs", "inputs", "secrets", "with", "jobs"}
# Each key with the values that are added, one at a time.
Additions = Mapping[str, tuple[str, ...]]
ADDED_TO_STEP: Additions = {
    "continue-on-error": ("true", "${{ github.event_name == 'push' }}"),
    "if": ("always()", "failure()", "false", "github.event_name == 'push'"),
    "timeout-minutes": ("1",),
    "working-directory": ("docs",),
    "shell": ("sh", "python"),
    "env": ("{GITHUB_TOKEN: '${{ github.token }}'}", "{RELEASE_DRY_RUN: 'true'}", "{PATH: bin}"),
    "with": ("{ref: main}",),
}
ADDED_TO_JOB: Additions = {
    "continue-on-error": ("true",),
    "if": ("always()", "failure()", "'false'"),
    "environment": ("release", "pypi", "{name: release, deployment: false}"),
    "container": ("python:3",),
    "services": ("{cache: {image: 'redis:8'}}",),
    "defaults": ("{run: {shell: sh}}", "{run: {working-directory: docs}}"),
    "concurrency": ("release-${{ github.ref }}", "{group: one, cancel-in-progress: true}"),
    "env": ("{GITHUB_TOKEN: '${{ github.token }}'}", "{RELEASE_DRY_RUN: 'true'}"),
    "outputs": ("{said: '${{ secrets.REGISTRY_TOKEN }}'}", "{said: '${{ github.token }}'}"),
    "strategy": ("{matrix: {number: [1, 2]}}", "{max-parallel: 1}"),
    "secrets": ("inherit",),
}
ADDED_TO_STRATEGY: Additions = {"max-parallel": ("1",)}
ADDED_TO_CONCURRENCY: Additions = {"queue": ("max",)}
ADDED_TO_INPUT: Additions = {"default": ("other",), "required": ("true",), "type": ("number",)}
ADDED_TO_OUTPUTS: Additions = {"said": ("'${{ github.token }}'",)}
ADDED_AT_TOP: Additions = {
    "defaults": ("{run: {working-directory: docs}}", "{run: {shell: sh}}"),
    "concurrency": ("release-${{ github.ref }}",),
    "env": ("{REGISTRY_TOKEN: '${{ secrets.REGISTRY_TOKEN }}'}", "{RELEASE_DRY_RUN: 'true'}"),
}
ADDED_TO_JOBS: Additions = {
    "extra": (
        "{name: extra, runs-on: ubuntu-24.04, timeout-minutes: 15, permissions: {}, "
        "steps: [{run: 'true'}]}",
    )
}
ADDED_TO_TRIGGERS: Additions = {
    "pull_request_target": ("",),
    "workflow_call": ("",),
    "workflow_dispatch": ("",),
    "workflow_run": ("{workflows: [CI], types: [completed]}",),
    "repository_dispatch": ("",),
    "issue_comment": ("",),
    "schedule": ("[{cron: '0 0 * * *'}]",),
    "release": ("",),
    "pull_request": ("",),
    "push": ("",),
}
ADDED_TO_EVENT: Additions = {
    "branches": ("[other]",),
    "branches-ignore": ("[main]",),
    "tags": ("['v*']",),
    "tags-ignore": ("['v0*']",),
    "paths": ("['docs/**']",),
    "paths-ignore": ("['docs/**']",),
    "types": ("[closed]",),
}
ADDED_TO_GRANTS: Additions = dict.fromkeys(
    ("packages", "id-token", "actions", "attestations", "deployments", "checks", "statuses"),
    ("write",),
)
ADDED_TO_CHECKOUT: Additions = {
    "ref": ("main",),
    "repository": ("somebody/else",),
    "path": ("elsewhere",),
    "token": ("${{ secrets.REGISTRY_TOKEN }}",),
    "fetch-depth": ("0",),
    "fetch-tags": ("true",),
    "submodules": ("true",),
    "lfs": ("true",),
    "clean": ("false",),
    "sparse-checkout": ("docs",),
    "filter": ("blob:none",),
    "github-server-url": ("https://github.example.org",),
}
ADDED_TO_ENV: Additions = {
    "GITHUB_TOKEN": ("${{ github.token }}",),
    "RELEASE_DRY_RUN": ("true",),
    "PATH": ("bin",),
    "REGISTRY_TOKEN": ("${{ secrets.REGISTRY_TOKEN }}",),
}
ADDED_TO_STAGE: Additions = {
    "github-token": ("${{ github.token }}",),
    "registry-token": ("${{ secrets.REGISTRY_TOKEN }}",),
    "package-index-token": ("${{ secrets.PACKAGE_INDEX_TOKEN }}",),
    "announce-secrets": ("${{ secrets.ANNOUNCE_SECRETS }}",),
}
ADDED_TO_UPLOAD: Additions = {
    "retention-days": ("1",),
    "if-no-files-found": ("ignore",),
    "include-hidden-files": ("true",),
    "compression-level": ("0",),
}
ADDED_TO_DOWNLOAD: Additions = {"run-id": ("1",), "github-token": ("${{ github.token }}",)}
ADDED_TO_LOGIN: Additions = {"logout": ("false",), "scope": ("a",)}
# Other values of a key that the platform knows as well.
OTHERS = {
    "runs-on": (
        *("ubuntu-latest", "ubuntu-24.04-arm", "ubuntu-22.04", "windows-2025", "self-hosted"),
        *("[self-hosted, linux]", "{group: large}", "${{ vars.RUNNER }}"),
    ),
    "type": ("string", "boolean", "choice"),
    "group": ("release", "${{ github.workflow }}", "${{ github.run_id }}"),
    "cancel-in-progress": ("${{ github.ref != 'refs/heads/main' }}",),
    "environment": ("release", "pypi", "{name: release, deployment: false}"),
    "shell": ("sh", "bash -x {0}", "python"),
    "fail-fast": ("${{ github.event_name == 'push' }}",),
    "cron": ("'* * * * *'", "'23 5 1 * *'"),
    "uses": (
        *("./.github/actions/setup", "./.github/actions/stage", "./.github/workflows/ci.yml"),
        *("somebody/else/.github/workflows/release.yml@main", "docker://alpine:3"),
    ),
}
# What a mapping of permissions can be instead.
GRANTED = ("read-all", "write-all", "{contents: write}", "{id-token: write}")
LEVELS = ("none", "read", "write")
STATUS = ("always()", "!cancelled()", "failure()")
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
NAME = re.compile(r"\b(needs|steps|inputs|matrix|vars|secrets|github|runner)(?:\.[\w-]+)+")
KINDS = {
    "permissions": "permission",
    "needs": "needs",
    "if": "if",
    "environment": "environment",
    "secrets": "secret",
    "with": "with",
    "outputs": "output",
    "runs-on": "label",
    "timeout-minutes": "timeout",
    "concurrency": "concurrency",
    "env": "env",
    "uses": "uses",
    "run": "run",
    "shell": "shell",
    "strategy": "strategy",
    "inputs": "input",
    "on": "trigger",
}


@dataclass(frozen=True)
class Mutant:
    """One fault: the whole text of the file with it, and the line that it is on, from 1."""

    path: str
    kind: str
    where: str
    """The keys that lead to it, with dots."""
    what: str
    line: int
    above: tuple[int, ...]
    """The lines of the mappings that it stands in, the innermost last."""
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.where}: {self.what}"

    @property
    def key(self) -> str:
        """What it is, wherever the lines are: for the list of those that change nothing."""
        return f"{self.path.rpartition('.github/')[2]} {self.where}: {self.what}"


def mutants(path: str, text: str) -> list[Mutant]:
    """List all faults of one file, each once."""
    found: dict[str, Mutant] = {}
    for one in _Faults(path, text).all():
        if one.text != text:
            found.setdefault(one.text, one)
    return list(found.values())


Keys = tuple[str, ...]
Above = tuple[int, ...]


class _Faults:
    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text
        self._lines = text.splitlines(keepends=True)
        root = yaml.compose(text, yaml.CSafeLoader)
        assert isinstance(root, yaml.MappingNode)
        self._root = root
        self._declared = self._names()
        jobs = next((value.value for key, value in root.value if key.value == "jobs"), [])
        self._jobs = [key.value for key, _ in jobs]

    def all(self) -> Iterator[Mutant]:
        yield from self._mapping(self._root, (), (1,))

    def _made(self, keys: Keys, what: str, span: tuple[Any, Any], new: str, block: Above) -> Mutant:
        """Put `new` in place of the text between two marks."""
        start, end = span
        text = self._text[: start.index] + new + self._text[end.index :]
        return Mutant(self._path, _kind(keys), ".".join(keys), what, start.line + 1, block, text)

    def _mapping(self, node: yaml.MappingNode, keys: Keys, block: Above) -> Iterator[Mutant]:
        pairs = [(key, value) for key, value in node.value if key.value not in FOR_PEOPLE]
        for key, value in pairs:
            here = (*keys, key.value)
            if key.value == "name" and "steps" in keys and keys[-1] not in ("with", "env"):
                continue
            yield from self._entry(node, key, value, here, block)
            yield from self._value(value, here, (*block, key.start_mark.line + 1))
        if keys[-1:] in (("with",), ("env",), ("outputs",), ("secrets",), ("steps",)):
            yield from self._swapped(pairs, keys, block)
        yield from self._added(node, keys, block)

    def _entry(
        self, node: yaml.MappingNode, key: Any, value: Any, here: Keys, block: Above
    ) -> Iterator[Mutant]:
        if len(node.value) > 1 or len(here) > 1:
            yield self._without(node, key, value, here, block)
        if len(here) > 1 and here[-2] in OWN_NAMES:
            yield self._made(here, "renamed", _span(key), f"{key.value}-x", block)

    def _without(
        self, node: yaml.MappingNode, key: Any, value: Any, here: Keys, block: Above
    ) -> Mutant:
        if node.flow_style:
            rest = [f"{k.value}: {self._cut(v)}" for k, v in node.value if k is not key]
            return self._made(here, "dropped", _span(node), f"{{{', '.join(rest)}}}", block)
        first, last = key.start_mark.line, self._last(value)
        lines = list(self._lines)
        head = lines[first][: key.start_mark.column]
        gone = lines[first : last + 1]
        del lines[first : last + 1]
        if head.strip():  # a step's first key: the dash stays
            following = lines[first] if first < len(lines) else ""
            if len(node.value) > 1:
                lines[first] = head + following.lstrip()
            else:
                lines.insert(first, f"{head}{{}}\n")
        elif len(node.value) == 1:
            above = lines[first - 1].split(" #")[0].rstrip("\n")
            lines[first - 1] = f"{above} {{}}\n"
        del gone
        return Mutant(
            self._path, _kind(here), ".".join(here), "dropped", first + 1, block, "".join(lines)
        )

    def _last(self, value: Any) -> int:
        """Give the last line of a value; a block ends before the line where the next begins."""
        end = value.end_mark
        return int(end.line - 1 if end.column == 0 or _is_block(value) else end.line)

    def _end(self, node: Any) -> Any:
        return node.value[-1][1].end_mark

    def _cut(self, node: Any) -> str:
        return self._text[node.start_mark.index : node.end_mark.index]

    def _value(self, node: Any, keys: Keys, block: Above) -> Iterator[Mutant]:
        yield from self._whole(node, keys, block)
        if isinstance(node, yaml.MappingNode):
            yield from self._mapping(node, keys, block)
        elif isinstance(node, yaml.SequenceNode):
            yield from self._sequence(node, keys, block)
        else:
            for what, new in _values(self._cut(node), node, keys, self._declared):
                yield self._made(keys, what, _span(node), new, block)
            if keys[-1] == "uses":
                yield from self._pin(node, keys, block)

    def _whole(self, node: Any, keys: Keys, block: Above) -> Iterator[Mutant]:
        """Put something else in the place of a whole value."""
        if keys[-1] == "permissions":
            for other in GRANTED:
                yield self._replaced(node, keys, other, block)
        if keys[-1] == "needs":
            yield from self._needing(node, keys, block)
        if keys[-1] == "secrets" and "on" not in keys and isinstance(node, yaml.MappingNode):
            yield self._made(keys, "inherit", (node.start_mark, self._end(node)), "inherit", block)

    def _replaced(self, node: Any, keys: Keys, new: str, block: Above) -> Mutant:
        """Put one line in the place of a value, also of a mapping of several lines."""
        if not _is_block(node):
            return self._made(keys, new, _span(node), new, block)
        first, last = node.start_mark.line - 1, self._last(node)
        head = self._lines[first].split(":")[0]
        lines = [*self._lines[:first], f"{head}: {new}\n", *self._lines[last + 1 :]]
        return Mutant(
            self._path, _kind(keys), ".".join(keys), new, first + 1, block, "".join(lines)
        )

    def _needing(self, node: Any, keys: Keys, block: Above) -> Iterator[Mutant]:
        """Wait for one job more."""
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        known = [one.value for one in items]
        for other in self._jobs:
            if other not in known and other != keys[1]:
                new = f"[{', '.join([*known, other])}]"
                yield self._made(keys, f"also {other}", _span(node), new, block)

    def _pin(self, node: Any, keys: Keys, block: Above) -> Iterator[Mutant]:
        line = self._lines[node.start_mark.line]
        found = re.search(r"@([0-9a-f]{40})( # v(\d+)\.\S+)$", line.rstrip("\n"))
        if not found:
            return
        sha, remark, major = found.groups()
        flipped = sha[:-1] + ("0" if sha[-1] != "0" else "1")
        for what, old, new in (
            ("a moving tag", sha, f"v{major}"),
            ("another commit", sha, flipped),
            ("a short commit", sha, sha[:7]),
            ("no remark", remark, ""),
            ("another version in the remark", remark, " # v0.0.1"),
        ):
            text = self._text.splitlines(keepends=True)
            text[node.start_mark.line] = line.replace(old, new)
            yield Mutant(
                *(self._path, "uses", ".".join(keys), what, node.start_mark.line + 1, block),
                "".join(text),
            )

    def _sequence(self, node: yaml.SequenceNode, keys: Keys, block: Above) -> Iterator[Mutant]:
        for number, item in enumerate(node.value):
            here = (*keys, str(number))
            yield self._without_item(node, number, here, block)
            if keys[-1] == "steps":
                yield self._doubled(item, here, block)
                yield self._more(item, here, block)
            if keys[-1] == "steps" and number:
                yield self._turned(node.value[number - 1], item, here, block)
            if isinstance(item, yaml.MappingNode):
                yield from self._mapping(item, here, (*block, item.start_mark.line + 1))
            else:
                yield from self._value(item, here, block)

    def _without_item(
        self, node: yaml.SequenceNode, number: int, here: Keys, block: Above
    ) -> Mutant:
        items = node.value
        if node.flow_style:
            rest = ", ".join(self._cut(one) for one in items if one is not items[number])
            return (
                self._made(here, "dropped", _span(items[number]), "", block)
                if not items[1:]
                else self._made(here, "dropped", _span(node), f"[{rest}]", block)
            )
        first = items[number].start_mark.line
        last = self._last(items[number])
        lines = [*self._lines[:first], *self._lines[last + 1 :]]
        return Mutant(
            *(self._path, _kind(here), ".".join(here), "dropped", first + 1, block), "".join(lines)
        )

    def _doubled(self, item: Any, here: Keys, block: Above) -> Mutant:
        """Run a step twice."""
        first, after = item.start_mark.line, self._last(item) + 1
        while not self._lines[after - 1].strip():
            after -= 1
        lines = [*self._lines[:after], *self._lines[first:after], *self._lines[after:]]
        return Mutant(
            *(self._path, "order", ".".join(here), "twice", first + 1, (*block, after + 1)),
            "".join(lines),
        )

    def _more(self, item: Any, here: Keys, block: Above) -> Mutant:
        """Run somebody else's action before a step."""
        first = item.start_mark.line
        column = self._lines[first].index("-")
        added = f"{' ' * column}- uses: somebody/tool@{'5' * 40} # v1.2.3\n"
        lines = [*self._lines[:first], added, *self._lines[first:]]
        return Mutant(
            *(self._path, "order", ".".join(here), "another action before it", first + 1, block),
            "".join(lines),
        )

    def _turned(self, one: Any, other: Any, here: Keys, block: Above) -> Mutant:
        """Put a step before the one that it follows."""
        a, b = one.start_mark.line, other.start_mark.line
        end = self._last(other) + 1
        lines = [*self._lines[:a], *self._lines[b:end], *self._lines[a:b], *self._lines[end:]]
        return Mutant(
            *(self._path, "order", ".".join(here), "before the one above", a + 1, block),
            "".join(lines),
        )

    def _swapped(self, pairs: list[tuple[Any, Any]], keys: Keys, block: Above) -> Iterator[Mutant]:
        """Swap the values of two entries that follow each other."""
        for (one, first), (other, second) in pairwise(pairs):
            if isinstance(first, yaml.ScalarNode) and isinstance(second, yaml.ScalarNode):
                a, b = first, second
                text = (
                    self._text[: a.start_mark.index] + self._cut(b)
                    + self._text[a.end_mark.index : b.start_mark.index] + self._cut(a)
                    + self._text[b.end_mark.index :]
                )  # fmt: skip
                yield Mutant(
                    *(self._path, _kind(keys), ".".join((*keys, one.value))),
                    *(f"swapped with {other.value}", a.start_mark.line + 1, block, text),
                )

    def _added(self, node: yaml.MappingNode, keys: Keys, block: Above) -> Iterator[Mutant]:
        if node.flow_style or not node.value:
            return
        known = {key.value for key, _ in node.value}
        for key, values in self._additions(keys, node).items():
            for value in values if key not in known else ():
                yield self._with(node, keys, key, value, block)

    def _additions(self, keys: Keys, node: yaml.MappingNode) -> Additions:
        known = {key.value for key, _ in node.value}
        job, step = len(keys) == 2 and keys[0] == "jobs", keys[-2:-1] == ("steps",)
        last, parent = keys[-1:], keys[-2:-1]
        given = last == ("with",)
        places = (
            (not keys and "jobs" in known, ADDED_AT_TOP),
            (keys == ("jobs",), ADDED_TO_JOBS),
            (keys == ("on",), ADDED_TO_TRIGGERS),
            (parent == ("on",), ADDED_TO_EVENT),
            (parent == ("inputs",), ADDED_TO_INPUT),
            (last == ("permissions",), ADDED_TO_GRANTS),
            (job, self._added_to_job(keys)),
            (step, ADDED_TO_STEP),
            (last == ("env",), ADDED_TO_ENV),
            (last == ("strategy",), ADDED_TO_STRATEGY),
            (last == ("concurrency",), ADDED_TO_CONCURRENCY),
            (last == ("outputs",) and "jobs" in keys, ADDED_TO_OUTPUTS),
            (given and "artifact" in known, ADDED_TO_STAGE),
            (given and "overwrite" in known, ADDED_TO_UPLOAD),
            (given and "merge-multiple" in known, ADDED_TO_DOWNLOAD),
            (given and "password" in known, ADDED_TO_LOGIN),
            (given and "persist-credentials" in known, ADDED_TO_CHECKOUT),
        )
        return next((added for here, added in places if here), {})

    def _added_to_job(self, keys: Keys) -> Additions:
        return {**ADDED_TO_JOB, "needs": tuple(one for one in self._jobs if one not in keys)}

    def _with(
        self, node: yaml.MappingNode, keys: Keys, key: str, value: str, block: Above
    ) -> Mutant:
        """Add a key below the last one."""
        first = node.value[0][0].start_mark
        after = max(self._last(value) for _, value in node.value) + 1
        while not self._lines[after - 1].strip() or self._lines[after - 1].lstrip()[0] == "#":
            after -= 1
        added = f"{' ' * first.column}{key}: {value}".rstrip() + "\n"
        lines = [*self._lines[:after], added, *self._lines[after:]]
        here = (*keys, key)
        return Mutant(
            *(self._path, _kind(here), ".".join(here), f"added: {value}", after + 1, block),
            "".join(lines),
        )

    def _names(self) -> dict[str, list[str]]:
        """Collect which names each context is asked for, to take one for another."""
        found: dict[str, list[str]] = {}
        for one in dict.fromkeys(match[0] for match in NAME.finditer(self._text)):
            prefix, _, name = one.rpartition(".")
            found.setdefault(prefix, []).append(name)
        return found


def _span(node: Any) -> tuple[Any, Any]:
    return node.start_mark, node.end_mark


def _is_block(node: Any) -> bool:
    return not isinstance(node, yaml.ScalarNode) and not node.flow_style


def _kind(keys: Keys) -> str:
    """Name what a place says, by its innermost key that is known."""
    for key in reversed(keys):
        if key in KINDS:
            return KINDS[key]
    return "job" if keys[:1] == ("jobs",) else "file"


def _values(
    cut: str, node: Any, keys: Keys, declared: dict[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Yield other values of a scalar, each with what is done to it."""
    value, last = node.value, keys[-1]
    if keys[-2:-1] == ("permissions",):
        yield from ((level, level) for level in LEVELS if level != value)
    elif cut in ("true", "false"):
        other = "false" if cut == "true" else "true"
        yield other, other
    elif cut.isdecimal():
        yield from ((str(n), str(n)) for n in (int(cut) * 10 + 1, max(int(cut) // 10, 1)))
    elif last == "if":
        yield from _conditions(value)
    elif last == "run":
        yield from _commands(value)
    else:
        yield from _texts(cut, keys)
    yield from _expressions(cut, declared)


def _conditions(value: str) -> Iterator[tuple[str, str]]:
    plain = EXPRESSION.sub(r"\1", value)
    for other in (*STATUS, f"!({plain})", f"always() && ({plain})", f"{plain} || always()", "true"):
        yield f"if {other}", "${{ " + other + " }}"
    swapped = (("==", "!="), ("!=", "=="), (" && ", " || "), (" || ", " && "))
    for old, new in (*swapped, ("'release'", "'dry-run'"), ("'release'", "true")):
        if old in value:
            yield f"{new} for {old}", value.replace(old, new)


def _commands(value: str) -> Iterator[tuple[str, str]]:
    quoted = value.replace("'", "''")
    unquoted = [("quotes dropped", quoted.replace('"', ""))] if '"' in value else []
    for what, new in (
        *unquoted,
        ("its failure is swallowed", f"{quoted} || true"),
        ("something pasted in", quoted + " ${{ github.event.pull_request.title }}"),
        ("a pipe", f"{quoted} | tee log"),
        ("nothing", "true"),
    ):
        yield what, f"'{new}'"
    words = quoted.split(" ")
    for number, word in enumerate(words):
        if word and len(words) > 1:
            yield f"without {word}", "'" + " ".join(words[:number] + words[number + 1 :]) + "'"


def _lines(cut: str) -> Iterator[tuple[str, str]]:
    first, *lines = cut.splitlines(keepends=True)
    for number, line in enumerate(lines):
        yield f"without {line.strip()}", "".join([first, *lines[:number], *lines[number + 1 :]])
        changed = line.rstrip("\n") + "x\n"
        yield f"{line.strip()}x", "".join([first, *lines[:number], changed, *lines[number + 1 :]])


def _texts(cut: str, keys: Keys) -> Iterator[tuple[str, str]]:
    if cut.startswith("|"):
        yield from _lines(cut)
        return
    bare = cut.strip("\"'")
    quote = cut[0] if cut[:1] in "\"'" and cut else ""
    if bare:
        yield "another text", f"{quote}{bare}x{quote}"
        yield "empty", '""'
    yield from ((one, one) for one in OTHERS.get(keys[-1], ()) if one != bare)
    if "on" in keys and keys[-1].isdecimal():
        yield "everything", '"**"'
    words = bare.split(" ")
    if "with" in keys and len(words) > 1 and "${{" not in bare:
        for number, word in enumerate(words):
            yield f"without {word}", " ".join(words[:number] + words[number + 1 :])


def _expressions(cut: str, declared: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Yield the text with another name in an expression, or with an expression left out."""
    for found in NAME.finditer(cut):
        prefix, _, name = found[0].rpartition(".")
        others = [f"{prefix}.{one}" for one in declared.get(prefix, []) if one != name]
        others += [f"{prefix}.{name}x"]
        others += [f"vars.{name}"] if prefix == "secrets" else []
        others += [f"secrets.{name}"] if prefix == "vars" else []
        for other in others:
            yield f"{other} for {found[0]}", cut[: found.start()] + other + cut[found.end() :]
    for found in EXPRESSION.finditer(cut):
        if found[0] != cut:
            yield f"without {found[0]}", cut[: found.start()] + cut[found.end() :]
