"""What another repository gets is this one's own files, and nothing that only this one has."""

import re

import pytest
import yaml

from scripts.adopt import templates
from scripts.adopt.templates import NAMES, System
from tests.workflows.tree import ROLLBACK

SYSTEM = System("somebody/system", "5" * 40, "1.2.3")
SAME = {name: name for name in NAMES}


def made(tags: str = "v*", **names: str) -> dict[str, str]:
    files = templates.all_files(SYSTEM, templates.of_tree(), tags, {**SAME, **names})
    return {path.rpartition("/")[2]: text for path, text in files.items()}


@pytest.mark.parametrize("name", NAMES)
def test_only_the_actions_and_the_tags_differ_from_our_own(name: str) -> None:
    ours = templates.of_tree()[name].splitlines()
    theirs = made("[0-9]*")[name].splitlines()[2:]
    assert len(ours) == len(theirs)
    pin = f"@{SYSTEM.commit} # v1.2.3"
    for own, other in zip(ours, theirs, strict=True):
        if own != other:
            back = other.replace(pin, "").replace("somebody/system/.github", "./.github")
            back = back.replace("somebody/system: ", "").replace("[0-9]*", "v*")
            assert back == own


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_named_in_full(name: str) -> None:
    text = made()[name]
    assert not re.search(r"uses: \./\.github/actions", text)
    assert f"uses: somebody/system/.github/actions/stage@{'5' * 40} # v1.2.3" in text


def test_all_of_it_is_short() -> None:
    assert sum(len(text.splitlines()) for text in made().values()) < 780


def test_the_setup_of_a_rollback_is_named_in_full_too() -> None:
    assert f"somebody/system/.github/actions/setup@{'5' * 40}" in made()[ROLLBACK]


@pytest.mark.parametrize(
    ("prefix", "pattern"), [("v", "v*"), ("", "[0-9]*"), ("api-v", "api-v*"), ("a+b/", r"a\+b/*")]
)
def test_tags_of_their_style_start_it(prefix: str, pattern: str) -> None:
    assert templates.pattern(prefix) == pattern
    on = yaml.safe_load(made(pattern)["release.yml"])[True]  # YAML 1.1 reads `on` as true
    assert on["push"]["tags"] == [pattern]


def test_another_name_of_the_called_file_is_called() -> None:
    files = made(**{"image.yml": "image-system.yml"})
    assert "image.yml" not in files
    assert "uses: ./.github/workflows/image-system.yml" in files["release.yml"]


def test_the_stamp_tells_an_edit() -> None:
    text = made()["audit.yml"]
    stamp = templates.read_stamp(text)
    assert stamp is not None
    assert (stamp.made_by, stamp.template) == (SYSTEM, "audit.yml")
    assert templates.is_original(text, stamp)
    assert not templates.is_original(text.replace("Mondays", "Sundays"), stamp)
    assert templates.read_stamp(text.split("\n", 2)[2]) is None


def test_what_would_be_theirs_is_refused() -> None:
    with pytest.raises(ValueError, match="uses none"):
        templates.generate(SYSTEM, "a.yml", "jobs: {}\n", "v*", "image.yml")
    text = "uses: ./.github/actions/stage\nuses: ./elsewhere\n"
    with pytest.raises(ValueError, match=r"\./elsewhere"):
        templates.generate(SYSTEM, "a.yml", text, "v*", "image.yml")
