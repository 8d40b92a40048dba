"""The banned phrases are found where they stand, and the checked files have none."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import language


@pytest.mark.parametrize("path", language.files(), ids=lambda path: path.name)
def test_the_file_has_no_banned_phrase(path: Path) -> None:
    assert language.report([path]) == []


@pytest.mark.parametrize(
    "text",
    [
        "Then mend it.",
        "It is mended.",
        "# Look\n# whether it is there.",
        "- the plan is\n  no plan",
        "They are no names.",
        "the how manieth of its pattern",
        "Those of whom nothing is known.",
        "whichever comes first",
        "It stays for\never.",
        "a linter that is content",
        "the very bytes",
        "the very `release.yml`",
        "which it is, is not known",
        "it was to be success",
        "Only what passes is tried again.",
        "It gives it a name.",
        "a token that may what the job may",
        "A version that fails is told of.",
        "says one thing everywhere",
        "It writes nothing\nanywhere.",
        "Nothing of what came of it counts.",
        "A silent service is given up.",
        "the fault that befalls a job",
        "It takes a release back.",
    ],
)
def test_a_banned_phrase_is_found(text: str) -> None:
    assert len(list(language.breaches(f"One line.\n{text}\n"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "There is no tag, and there are no files.",
        "It is no longer needed.",
        "for every job",
        "amendments, recommend",
        f"| {language.ALLOWED} mend | fix |",
        "The very first time.",
    ],
)
def test_plain_english_is_allowed(text: str) -> None:
    assert list(language.breaches(text)) == []


def test_the_line_is_that_of_the_first_word() -> None:
    assert list(language.breaches("One.\nTwo, look\nwhether.\n")) == [
        (2, "look whether", "check whether")
    ]


def test_every_document_is_checked() -> None:
    names = {path.relative_to(language.ROOT).as_posix() for path in language.files()}
    assert {"README.md", "docs/design.md", ".github/pull_request_template.md"} <= names
    assert all(any((language.ROOT / folder).glob("*.py")) for folder in language.FOLDERS)


def test_the_command_names_place_and_remedy(tmp_path: Path) -> None:
    """As `make lint` runs it, in a copy with one wrong sentence."""
    copy = tmp_path / "tests/docs/language.py"
    copy.parent.mkdir(parents=True)
    copy.write_text(Path(language.__file__).read_text("utf-8"))
    (tmp_path / "README.md").write_text("Title.\n\nMend it.\n")
    done = subprocess.run([sys.executable, str(copy)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'README.md:3: "Mend": write "fix" (CONTRIBUTING.md, Writing)\n'
    (tmp_path / "README.md").write_text("Title.\n\nFix it.\n")
    done = subprocess.run([sys.executable, str(copy)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
