"""Generate the documents' parts about the code, for `make reference`.

This writes all of `docs/reference.md`: verbs and configuration. In other documents it writes the
text between `<!-- jobs -->` and `<!-- end -->`: the jobs of a release run, as a table or as a
diagram.
"""

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.cli.command_line import EXAMPLES, EXIT_CODES, VERBS, parser, typed
from scripts.core.jobs import JOBS, flowchart
from scripts.core.report import table
from scripts.release import configuration

HEAD = """\
# Reference

`make reference` generates this page from the code. A test fails if the two differ.

## Verbs

`make setup`, then `bin/release VERB` at the top of a clone. It is short for `.venv/bin/python -m
scripts VERB`, which the jobs of a release run. `--help` prints the same text.
"""
JSON = """\
### With `--json`

Standard output has one JSON document and no other text; the exit code is the same. Every document
has

| key | value |
| --- | --- |
| `verb` | the verb that ran |
| `exit_code` | as below |
| `errors` | empty after success; else each with `kind`, `cause`, `remedy` and `place` |
| `outcomes` | of a job, each surface or check: `title`, `kind`, `planned`, `detail`, `written` |
| `facts` | of a job, the facts for later jobs |

and the verb's findings. A `place` has `path`, `line` and `column`, or is null.

### At a terminal

Reports are drawn, errors are red, and steps that take longer than two seconds are shown,
on standard error. In a pipe and in a log (`CI` is set) none of this happens. `NO_COLOR` works.
A verb also runs to its end when nobody reads its output (`| head -1`).
"""
CONFIGURATION = """\
## Configuration

`[tool.release]` of `pyproject.toml` has all facts about a project. An unknown,
absent or wrong key is an error with its line. The name and the version are in `[project]`, or in a
place that [adopt.md](adopt.md) lists.
"""
TITLES = {
    "version_files": "[[tool.release.version-files]]",
    "package": "[tool.release.package]",
    "images": "[[tool.release.images]]",
    "draft": "[tool.release.draft]",
    "announce": "[tool.release.announce]",
    "webhooks": "[[tool.release.announce.webhooks]]",
    "scan": "[tool.release.scan]",
    "exceptions": "[[tool.release.scan.exceptions]]",
    "archives": "[[tool.release.scan.archives]]",
    "scorecard": "[tool.release.scorecard]",
    "watch": "[tool.release.watch]",
}
PAGE = "docs/reference.md"
BEGIN, END = "<!-- jobs -->", "<!-- end -->"


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Return every generated document with its whole text."""
    yield PAGE, text()
    diagram = f"```mermaid\n{flowchart()}\n```"
    made = {"README.md": diagram, "docs/design.md": diagram, "docs/releasing.md": jobs_table()}
    for path, part in made.items():
        head, start, rest = (root / path).read_text("utf-8").partition(BEGIN)
        _, end, tail = rest.partition(END)
        yield path, f"{head}{start}\n\n{part}\n\n{end}{tail}" if end else head + start + rest


def jobs_table() -> str:
    """Write the jobs in order, and what each makes public."""
    rows = [(job.title, job.does, job.public) for job in JOBS]
    return table(("job", "what it does", "public afterwards"), rows)


def text() -> str:
    """Write the whole reference."""
    verbs = _verbs(parser())
    parts = [
        HEAD,
        table(("verb", "what it does"), [(f"[`{one}`](#{one})", VERBS[one]) for one in VERBS]),
        *(_verb(name, verbs[name]) for name in VERBS),
        "### Exit codes",
        table(("code", "meaning"), [(str(code), EXIT_CODES[code]) for code in EXIT_CODES]),
        JSON,
        CONFIGURATION,
        "### `[tool.release]`",
        _keys(configuration.Config),
        *(part for name in TITLES for part in (f"### `{TITLES[name]}`", _keys(_section(name)))),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _verbs(main: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (verbs,) = (one for one in main._actions if isinstance(one, argparse._SubParsersAction))
    return dict(verbs.choices)


def _verb(name: str, verb: argparse.ArgumentParser) -> str:
    actions = [one for one in verb._actions if not isinstance(one, argparse._HelpAction)]
    usage = " ".join([typed(name, ""), *map(_usage, actions)])
    rows = [(f"`{_called(one)}`", _meaning(one)) for one in actions if one.dest != "as_json"]
    meanings = f"\n\n{table(('argument', 'meaning'), rows)}" if rows else ""
    examples = "\n".join(
        f"{typed(name, words)}  # {meaning}" for words, meaning in EXAMPLES.get(name, {}).items()
    )
    shown = f"\n\n```bash\n{examples}\n```" if examples else ""
    head = f"### {name}\n\n{_sentence(VERBS[name])}\n\n```\n{usage}\n```"
    return head + meanings + shown


def _called(action: argparse.Action) -> str:
    """Write an argument as a person types it: `--to GOOD`, `version`."""
    if not action.option_strings:
        return action.dest if not action.choices else "|".join(map(str, action.choices))
    value = "" if action.nargs == 0 else f" {action.dest.upper()}"
    return action.option_strings[-1] + value


def _usage(action: argparse.Action) -> str:
    needed = action.required and action.nargs != "?"
    return _called(action) if needed else f"[{_called(action)}]"


def _meaning(action: argparse.Action) -> str:
    choices = "one of " + ", ".join(f"`{one}`" for one in action.choices or ())
    parts = [action.help or "", choices if action.choices else ""]
    return "; ".join(part for part in parts if part)


def _sentence(meaning: str) -> str:
    return meaning[0].upper() + meaning[1:] + "."


def _section(name: str) -> type[Any]:
    return configuration.SECTIONS[name]


def _keys(kind: type[Any]) -> str:
    """Write a table's keys: the meaning, form and default of each."""
    rows = [
        (f"`{one.name.replace('_', '-')}`", one.metadata["meaning"], _form(one), _default(one))
        for one in dataclasses.fields(kind)
        if one.metadata and one.name not in configuration.SECTIONS
    ]
    return table(("key", "meaning", "value", "if left out"), rows)


def _form(one: "dataclasses.Field[Any]") -> str:
    if "int" in str(one.type):
        return f"a number from 1 to {configuration.LARGEST_PORT}"
    if one.type is bool:
        return "`true` or `false`"
    pattern = one.metadata["pattern"]
    words = one.metadata["form"]
    form = "" if pattern == ".+" else f": {words}" if words else f" of the form `{pattern}`"
    if _many(one):
        return f"a list of texts, each{form}" if form else "a list of texts"
    return f"a text{form}"


def _many(one: "dataclasses.Field[Any]") -> bool:
    return str(one.type).startswith("tuple")


def _default(one: "dataclasses.Field[Any]") -> str:
    if one.default is dataclasses.MISSING:
        return "required"
    if one.default in (None, ()):
        return "none"
    if one.type is bool:
        return f"`{str(one.default).lower()}`"
    values = one.default if _many(one) else (one.default,)
    return ", ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    for path, written in pages(Path()):
        Path(path).write_text(written, "utf-8")
