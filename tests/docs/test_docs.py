"""What the documents name is there: files, commands, verbs, jobs, folders that are updated."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rehearsal import __main__
from scripts.cli import reference
from scripts.cli.command_line import VERBS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")])
# Command lines: in a block, or between backticks.
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)(?: ARGS=\"([^\"]*)\")?")
VERB = re.compile(r"(bin/release|python -m scripts|python -m rehearsal) ([a-z][a-z-]*)")
DIAGRAM = re.compile(r"^(flowchart|graph|sequenceDiagram|gantt|stateDiagram)")
Check = Callable[[str, Path], Iterator[str]]


def tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").parse(text):
        yield token
        yield from token.children or ()


def code(text: str) -> Iterator[str]:
    return (t.content for t in tokens(text) if t.type in ("fence", "code_block", "code_inline"))


def links_lead_somewhere(text: str, path: Path) -> Iterator[str]:
    for token in tokens(text):
        link = str(token.attrGet("href") or token.attrGet("src") or "")
        target, _, anchor = link.partition("#")
        if not link or link.startswith(("http://", "https://", "mailto:")):
            continue
        file = path.parent / target if target else path
        if not file.exists():
            yield f"{target} is not there"
        elif anchor and anchor not in anchors(file.read_text("utf-8")):
            yield f"{target} has no heading #{anchor}"


def anchors(text: str) -> set[str]:
    """Return the headings as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def targets_are_in_the_makefile(text: str, _path: Path) -> Iterator[str]:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for target, _ in commands(MAKE, text):
        if target not in known:
            yield f"make {target} is no target"


def commands(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    return (found.groups("") for one in code(text) for found in pattern.finditer(one))  # type: ignore[misc] # two groups each


def verbs_are_known(text: str, _path: Path) -> Iterator[str]:
    rehearsed = reference._verbs(__main__.parser())
    for command, verb in commands(VERB, text):
        if verb not in (rehearsed if command.endswith("rehearsal") else VERBS):
            yield f"{command} {verb} is no verb"


def rehearsals_take_the_options(text: str, _path: Path) -> Iterator[str]:
    for target, options in commands(MAKE, text):
        if target == "rehearse":
            try:
                __main__.parser().parse_args(["run", *shlex.split(options)])
            except SystemExit:
                yield f'make rehearse ARGS="{options}" is refused'


def paths_are_there(text: str, _path: Path) -> Iterator[str]:
    """Only those that begin with a folder or a file of the repository, and are not to be made."""
    text = re.sub(r"A new file\s+`[^`]+`", "", text)
    top = {path.name for path in ROOT.iterdir()} - {"release", ".rehearsal", ".venv"}
    for token in tokens(text):
        word = token.content.rstrip("/")
        is_path = token.type == "code_inline" and word.split("/")[0] in top
        if is_path and re.fullmatch(r"[\w./-]+", word) and not (ROOT / word).exists():
            yield f"`{word}` is not there"


def diagrams_are_drawn(text: str, _path: Path) -> Iterator[str]:
    for token in tokens(text):
        if token.type == "fence" and token.info.strip() == "mermaid":
            lines = token.content.strip().splitlines()
            if len(lines) < 2 or not DIAGRAM.match(lines[0]) or "-->" not in token.content:
                yield f"line {token.map[0] + 1 if token.map else 0}: an empty diagram"


CHECKS: list[Check] = [
    links_lead_somewhere,
    targets_are_in_the_makefile,
    verbs_are_known,
    rehearsals_take_the_options,
    paths_are_there,
    diagrams_are_drawn,
]
BREACHES: list[tuple[Check, str]] = [
    (links_lead_somewhere, "[a](docs/nothing.md)"),
    (links_lead_somewhere, "[a](README.md#nothing)"),
    (links_lead_somewhere, "![a](nothing.png)"),
    (targets_are_in_the_makefile, "`make nothing`"),
    (targets_are_in_the_makefile, "```bash\nmake setup\nmake nothing\n```"),
    (verbs_are_known, "`.venv/bin/python -m scripts nothing`"),
    (verbs_are_known, "`bin/release nothing`"),
    (verbs_are_known, "    python -m rehearsal nothing\n"),
    (rehearsals_take_the_options, '`make rehearse ARGS="--nothing"`'),
    (paths_are_there, "`scripts/core/nothing.py`"),
    (diagrams_are_drawn, "```mermaid\n```"),
    (diagrams_are_drawn, "```mermaid\nflowchart LR\n```"),
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_document_is_right(check: Check, path: Path) -> None:
    assert list(check(path.read_text("utf-8"), path)) == []


@pytest.mark.parametrize(("check", "text"), BREACHES)
def test_a_wrong_document_is_seen(check: Check, text: str) -> None:
    assert len(list(check(text, ROOT / "made-up.md"))) == 1


def test_every_lock_is_kept_up_to_date() -> None:
    """dependabot looks where something is pinned, and waits before it proposes."""
    said = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text("utf-8"))["updates"]
    pinned = {
        "docker": "Dockerfile*",
        "gomod": "**/go.mod",
        "npm": "**/package-lock.json",
        "pip": "requirements/*.txt",
        "github-actions": ".github/actions/*/action.yml",
    }
    assert {one["package-ecosystem"] for one in said} == set(pinned)
    for one in said:
        assert one["cooldown"]["default-days"] >= 7
        folders = one.get("directories", [one.get("directory")])
        files = tracked(pinned[one["package-ecosystem"]])
        assert files
        assert all(any(Path(f"/{file}").parent.match(place) for place in folders) for file in files)


def tracked(pattern: str) -> list[str]:
    command = ["git", "ls-files", f":(glob){pattern}"]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()


def test_every_owned_path_is_there() -> None:
    lines = (ROOT / ".github/CODEOWNERS").read_text("utf-8").splitlines()
    places = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert [p for p in places if p != "*" and not (ROOT / p.strip("/")).exists()] == []
