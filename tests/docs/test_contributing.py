"""What CONTRIBUTING.md says about adding is done, literally, in a copy of the tree: and works."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
FENCE = re.compile(r"^```\w+\n(.*?)^```$", re.M | re.S)
NEW = re.compile(r"A new file\s+`(?P<path>[^`]+)`:\s*$")
BESIDE = re.compile(
    r"In\s+`(?P<path>[^`]+)`, (?P<how>below|above|instead of)\s+`(?P<line>.+)`:\s*$"
)
WORDS = re.compile(r"In\s+`([^`]+)`, in place of `([^`]+)`,\s+write\s+`([^`]+)`\.")
EXAMPLES = ("A surface", "A stage", "An image")


@dataclass(frozen=True)
class Step:
    """One thing to do, as the document says it."""

    path: str
    how: str
    at: str
    text: str


def section(title: str) -> str:
    return re.split(r"^#{2,3} ", DOCUMENT.partition(f"\n### {title}\n")[2], maxsplit=1, flags=re.M)[
        0
    ]


def steps(text: str) -> Iterator[Step]:
    """Read what is to be done, in its order; a block that says no place is an error."""
    begin = 0
    for block in FENCE.finditer(text):
        before = text[begin : block.start()]
        yield from (Step(path, "word", old, new) for path, old, new in WORDS.findall(before))
        last = before.rstrip().rpartition("\n\n")[2]
        place = NEW.search(last) or BESIDE.search(last)
        assert place, f"where does this go? {block[1][:60]}"
        found = {"how": "new", "line": "", **place.groupdict()}
        yield Step(found["path"], found["how"], found["line"], block[1])
        begin = block.end()
    yield from (Step(path, "word", old, new) for path, old, new in WORDS.findall(text[begin:]))


def take(step: Step, tree: Path) -> None:
    """Do it; what is named must be there, once."""
    file = tree / step.path
    if step.how == "new":
        assert not file.exists(), step.path
        file.write_text(step.text, "utf-8")
        return
    text = file.read_text("utf-8")
    if step.how == "word":
        assert text.count(step.at) == 1, (
            f"{step.path}: {step.at} stands there {text.count(step.at)} times"
        )
        file.write_text(text.replace(step.at, step.text), "utf-8")
        return
    lines = text.splitlines(keepends=True)
    (at,) = (n for n, line in enumerate(lines) if line.strip() == step.at)
    first, after = {"below": (at + 1, at + 1), "above": (at, at), "instead of": (at, at + 1)}[
        step.how
    ]
    file.write_text("".join([*lines[:first], step.text, *lines[after:]]), "utf-8")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of everything that is tracked, and its own repository, as a newcomer's clone."""
    copy = tmp_path / "copy"
    # Not what lies beside it: other tests make and remove caches there meanwhile.
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(Path(sys.prefix))
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=copy, check=True)
    return copy


def follow(title: str, tree: Path) -> list[Step]:
    found = list(steps(section(title)))
    for step in found:
        take(step, tree)
    return found


def run(tree: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def right(tree: Path, done: list[Step], *tests: str) -> None:
    """Look at the copy with the linters and with tests of its own."""
    changed = sorted({step.path for step in done if step.path.endswith(".py")})
    if changed:
        run(tree, "-m", "ruff", "check", "--quiet", *changed)
        run(tree, "-m", "ruff", "format", "--quiet", "--check", *changed)
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


CONVERGED = """
from packaging.version import Version

from scripts.release import attempt, starting_point
from scripts.core import report
from scripts.core.lockfile import Lock
from scripts.core.results import Result
from scripts.release import release_commit
from scripts.release.release_surfaces import surfaces
from scripts.stages import publish_tags
from tests.conftest import Bench


def test_it_is_converged_by_publish_tags(bench: Bench) -> None:
    context = bench.context()
    start = starting_point.find(context)
    base = starting_point.base_of(context, start)
    plan = attempt._decide(context, start, Version("0.2.4"), base)
    commit = release_commit.make(context.knowing(plan=plan))
    context = context.knowing(plan=plan, lock=Lock(plan, commit, (), ()))
    context.forge.repository.create_git_release("v0.2.4", "v0.2.4", "What is new.", draft=True)
    done = publish_tags.run(context)
    assert "git tag 0.2.4" in [one.title for one in done.outcomes if one.written]
    assert bench.project.refs()["refs/tags/0.2.4"] == commit
    assert not [one for one in publish_tags.run(context).outcomes if one.written]
    assert report_of(context, ()) == ["○ git tag 0.2.4", commit[:12], "not reached", ""]
    said = Result("publish-tags", "", 1.0, 2.0, done.outcomes, {}, None)
    assert report_of(context, [said]) == ["✅ git tag 0.2.4", commit[:12], commit[:12], "written"]


def report_of(context, results):
    listed = surfaces(context, context.lock)
    text = report.run(context.plan, results, None, "", listed)
    (row,) = [line for line in text.splitlines() if " git tag 0.2.4 |" in line]
    *cells, link = row.strip("| ").split(" | ")
    assert link == f"[open]({context.endpoints.page_url}/tree/0.2.4)"
    return cells
"""


def test_a_surface_is_converged(tree: Path) -> None:
    done = follow("A surface", tree)
    made = [step.path for step in done if step.how == "new"]
    assert made == ["scripts/surfaces/plain_tag.py", "tests/surfaces/test_plain_tag.py"]
    shown = tree / "tests/surfaces/test_converged.py"
    shown.write_text(CONVERGED)
    which = "plain_tag or converged or surfaces or names"
    right(tree, done, "tests/test_structure.py", made[1], str(shown), "-k", which)


PLANNED = """
from pathlib import Path
from scripts.core import codec, version
from scripts.core import planning
from scripts.core.planning import Base
from scripts.release import configuration, starting_point

from scripts.tools.environment import Environment

class Context:
    endpoints = Environment({"GITHUB_REPOSITORY": "mari/thing"}).endpoints()

read = configuration.parse(Path("pyproject.toml").read_text())
base = Base("0" * 40, "main", "2026-01-01", 1)
plan = planning.decide(starting_point.product(Context, read), version.parse("9.9.9"), base, {})
"""


def test_a_stage_runs_as_a_verb(tree: Path) -> None:
    done = follow("A stage", tree)
    run(tree, "-m", "scripts.cli.reference")  # `make reference`
    right(
        tree,
        done,
        *("tests/test_structure.py", "tests/workflows", "tests/cli/test_main.py"),
        *("tests/docs/test_docs.py", "tests/docs/test_reference.py"),
        *("-k", "not breach"),  # whether the rules see a breach is shown of this tree itself
    )
    inputs = tree / "release/in"
    inputs.mkdir(parents=True)
    (inputs / "plan.json").write_text(run(tree, "-c", PLANNED + "print(codec.encode(plan))"))
    subprocess.run(
        ["git", "remote", "add", "origin", "https://github.com/mari/thing"], cwd=tree, check=True
    )
    said = run(tree, "-m", "scripts", "headline")
    assert said.endswith("9.9.9 is out: https://github.com/mari/thing/releases/tag/v9.9.9\n")
    assert (tree / "release/out/results/headline.json").is_file()
    # Its result is not handed to the report: then the job did not run, as far as anybody knows.
    silent = run(tree, "-m", "scripts", "report").partition("left no result:** ")[2]
    assert silent.splitlines()[0].split(", ")[-2:] == ["audit", "headline"]
    shutil.copytree(tree / "release/out", inputs, dirs_exist_ok=True)
    silent = run(tree, "-m", "scripts", "report").partition("left no result:** ")[2]
    assert silent.splitlines()[0].split(", ")[-1] == "audit"


def test_an_image_is_planned_and_built_by_bake(tree: Path) -> None:
    done = follow("An image", tree)
    tests = ("test_configuration.py", "test_compose_file.py")
    right(tree, done, "tests/test_structure.py", *(f"tests/release/{name}" for name in tests))
    show = "print(*(i.reference for i in plan.images), plan.images[-1].platforms)"
    assert "docker.io/mrilikecoding/stream_pose_ml_docs:v9.9.9" in run(tree, "-c", PLANNED + show)
    service = yaml.safe_load((tree / "compose.yaml").read_text())["services"]["docs"]
    assert (tree / service["build"]["dockerfile"]).is_file()
    hadolint = [str(Path(sys.prefix) / "bin" / "hadolint"), "Dockerfile.docs"]
    subprocess.run(hadolint, cwd=tree, check=True)


@pytest.mark.service
def test_their_types_are_right(tree: Path) -> None:
    """All of them together: mypy takes its time."""
    for title in EXAMPLES:
        follow(title, tree)
    run(tree, "-m", "mypy", "--no-error-summary", "-p", "scripts")


def test_a_step_that_leads_nowhere_is_seen(tree: Path) -> None:
    with pytest.raises(AssertionError, match="where does this go"):
        list(steps("Somewhere:\n\n```python\nx\n```\n"))
    for text in (
        "In `Makefile`, below `nonesuch`:\n\n```text\nx\n```\n",
        "In `Makefile`, in place of `nonesuch`, write `x`.\n",
        "A new file `Makefile`:\n\n```text\nx\n```\n",
    ):
        (step,) = steps(text)
        with pytest.raises((AssertionError, ValueError)):
            take(step, tree)


def test_every_block_of_the_chapter_is_followed() -> None:
    chapter = re.split(r"^## ", DOCUMENT.partition("\n## Adding\n")[2], maxsplit=1, flags=re.M)[0]
    followed = [step for title in EXAMPLES for step in steps(section(title))]
    assert len([one for one in followed if one.how != "word"]) == len(FENCE.findall(chapter))
