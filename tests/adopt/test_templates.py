"""What another repository gets is this one's own files, and nothing that only this one has."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from scripts.adopt import templates
from scripts.adopt.templates import NAMES, System
from tests.workflows.tree import ROLLBACK

SYSTEM = System("somebody/system", "5" * 40, "1.2.3")
SAME = {name: name for name in NAMES}
OURS = templates.of_tree()


def made(tags: str = "v*", **names: str) -> dict[str, str]:
    files = templates.all_files(SYSTEM, templates.of_tree(), tags, {**SAME, **names})
    return {path.rpartition("/")[2]: text for path, text in files.items()}


CHECKOUT = "actions/checkout@"


def written_out(job: dict[str, Any]) -> dict[str, Any]:
    """Write out what the system's actions do for another repository."""
    job["steps"] = [one for step in job.get("steps", ()) for one in _steps(step)]
    first = [step for step in job["steps"] if step.get("uses", "") == CHECKOUT]
    return {**job, "steps": first + [one for one in job["steps"] if one not in first]}


def _steps(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    given = step.get("with", {})
    if depth := str(given.pop("checkout", "")):
        # One commit is the default of the action.
        deep = {} if depth == "1" else {"fetch-depth": int(depth)}
        yield {"uses": CHECKOUT, "with": {"persist-credentials": False, **deep}}
    if step.get("uses", "").startswith(CHECKOUT):
        step["uses"] = CHECKOUT
    if "stage" in given:
        given.setdefault("artifact", given["stage"])
    yield step if given else {key: value for key, value in step.items() if key != "with"}


@pytest.mark.parametrize("name", NAMES)
def test_only_the_actions_and_the_tags_differ_from_our_own(name: str) -> None:
    pin = f"@{SYSTEM.commit}"
    back = made("[0-9]*")[name].replace(pin, "").replace("somebody/system/.github", "./.github")
    theirs, ours = yaml.safe_load(back.replace("[0-9]*", "v*")), yaml.safe_load(OURS[name])
    for flow in (ours, theirs):
        flow["jobs"] = {key: written_out(job) for key, job in flow["jobs"].items()}
    assert theirs == ours


@pytest.mark.parametrize("name", NAMES)
def test_no_reason_is_lost(name: str) -> None:
    """The comments say why a job may do what it may."""
    ours, theirs = (
        sorted(re.findall(r"# (?!v\d).+", text.partition("\nname: ")[2]))
        for text in (OURS[name], made()[name])
    )
    assert theirs == ours


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_named_in_full(name: str) -> None:
    text = made()[name]
    assert not re.search(r"uses: \./\.github/actions", text)
    assert f"uses: somebody/system/.github/actions/stage@{'5' * 40} # v1.2.3" in text


def test_all_of_it_is_short() -> None:
    assert sum(len(text.splitlines()) for text in made().values()) < 680


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
