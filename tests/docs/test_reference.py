"""The reference says what the code says, and everything of it."""

import dataclasses
import re
from pathlib import Path

import pytest

from scripts.cli import reference
from scripts.cli.command_line import EXAMPLES, EXIT_CODES, VERBS, parser, typed
from scripts.core import errors
from scripts.core.jobs import JOBS
from scripts.release import configuration

ROOT = Path(__file__).parents[2]
WITH_JOBS = ("README.md", "docs/design.md", "docs/releasing.md")
PAGE = (ROOT / "docs" / "reference.md").read_text("utf-8")


@pytest.mark.parametrize("path", ["docs/reference.md", *WITH_JOBS])
def test_it_is_what_the_code_says(path: str) -> None:
    made = dict(reference.pages(ROOT))
    assert made.keys() == {"docs/reference.md", *WITH_JOBS}
    assert made[path] == (ROOT / path).read_text("utf-8"), f"run `make reference`, commit {path}"


@pytest.mark.parametrize("path", WITH_JOBS)
def test_a_document_without_the_jobs_is_seen(path: str, tmp_path: Path) -> None:
    """What somebody changes between the marks is written again; a document without stays."""
    for one in WITH_JOBS:
        (tmp_path / one).parent.mkdir(exist_ok=True)
        (tmp_path / one).write_text("before <!-- jobs --> old <!-- end --> after")
    (tmp_path / path).write_text("no jobs")
    made = dict(reference.pages(tmp_path))
    assert made[path] == "no jobs"
    for one in set(WITH_JOBS) - {path}:
        assert made[one].startswith("before <!-- jobs -->\n\n")
        assert "old" not in made[one]
        assert made[one].endswith("\n\n<!-- end --> after")
        assert all(job.name in made[one] or job.title in made[one] for job in JOBS)


def part(title: str) -> str:
    """Give what stands under a heading."""
    return re.split(r"^#{2,3} ", PAGE.partition(f"\n### {title}\n")[2], maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize("verb", VERBS)
def test_every_argument_of_every_verb_is_there(verb: str) -> None:
    text = part(verb)
    found = reference._verbs(parser())[verb]
    for action in found._actions:
        for name in action.option_strings[-1:] or list(map(str, action.choices or (action.dest,))):
            assert name in text or name == "--help", name
        assert (action.help or "") in text or action.dest in ("help", "as_json")
    assert text.count(f"bin/release {verb}") == 1 + sum(
        typed(verb, words).count(typed(verb, "")) + meaning.count(typed(verb, ""))
        for words, meaning in EXAMPLES.get(verb, {}).items()
    )


@pytest.mark.parametrize("verb", EXAMPLES)
def test_every_example_is_taken(verb: str) -> None:
    for words in EXAMPLES[verb]:
        assert vars(parser().parse_args([verb, *words.split()]))["verb"] == verb


@pytest.mark.parametrize(
    ("title", "kind"),
    [("`[tool.release]`", configuration.Config)]
    + [(f"`{reference.TITLES[name]}`", kind) for name, kind in configuration.SECTIONS.items()],
)
def test_every_key_is_there(title: str, kind: type[object]) -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", part(title), re.M))
    known = {
        one.name.replace("_", "-"): one.metadata["meaning"]
        for one in dataclasses.fields(kind)  # type: ignore[arg-type] # all of them are dataclasses
        if one.metadata and one.name not in configuration.SECTIONS
    }
    assert rows == known


def test_every_exit_code_is_there() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    raised = {one.exit_code for one in kinds if issubclass(one, errors.ReleaseError)}
    assert {0, *raised} == set(EXIT_CODES)
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in part("Exit codes")
