"""Versions: every spelling read, one written, the next one found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from scripts.core.errors import UsageError
from scripts.core.version import STEPS, current, following, from_tag, parse, resolve, tag

numbers = st.tuples(*[st.integers(0, 999)] * 3)
suffixes = st.sampled_from(["", "a1", "b2", "rc1", "rc12"])
versions = st.builds(lambda n, s: Version(".".join(map(str, n)) + s), numbers, suffixes)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0.2.4", "0.2.4"),
        ("v0.2.4", "0.2.4"),
        (" V1.0 ", "1.0.0"),
        ("2", "2.0.0"),
        ("0.1.2-rc1", "0.1.2rc1"),
        ("0.1.2-RC.1", "0.1.2rc1"),
        ("v1.0rc2", "1.0.0rc2"),
        ("1.0.0-alpha.3", "1.0.0a3"),
        ("1.0.0_beta", "1.0.0b0"),
        ("01.002.3", "1.2.3"),
    ],
)
def test_every_usual_spelling_becomes_one(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "an empty text is not a version"),
        ("latest", "'latest' is not a version"),
        ("0.2.x", "is not a version"),
        ("0.2.4; rm -rf /", "is not a version"),
        ("0.2.4\n0.2.5", "is not a version"),
        ("1" * 5000, "is not a version"),
        ("1." + "1" * 120, "is not a version"),
        ("1.0.0+local", "a local version label"),
        ("1!1.0.0", "an epoch"),
        ("1.0.0.dev1", "a development release"),
        ("1.0.0.post1", "a post release"),
        ("1.0.0-1", "a post release"),
        ("1.2.3.4", "more than three numbers"),
    ],
)
def test_what_cannot_be_released_is_refused_with_cause_and_remedy(text: str, because: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert because in refused.value.cause
    assert "0.2.4" in refused.value.remedy
    assert "\n" not in refused.value.cause
    assert len(refused.value.cause) < 300


@given(versions)
def test_the_canonical_spelling_is_read_back(version: Version) -> None:
    assert str(parse(str(version))) == str(version)
    assert from_tag(tag(version)) == version


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        version = parse(text)
    except UsageError:
        return
    assert len(version.release) == 3
    assert parse(str(version)) == version


@pytest.mark.parametrize(
    ("branch", "patch", "minor", "major", "rc"),
    [
        ("0.2.3", "0.2.4", "0.3.0", "1.0.0", "0.2.4rc1"),
        ("0.2", "0.2.1", "0.3.0", "1.0.0", "0.2.1rc1"),
        ("0.3.0b2", "0.3.0", "0.3.0", "1.0.0", "0.3.0rc1"),
        ("0.3.0rc1", "0.3.0", "0.3.0", "1.0.0", "0.3.0rc2"),
        ("0.3.1rc1", "0.3.1", "0.4.0", "1.0.0", "0.3.1rc2"),
        ("1.0.0rc1", "1.0.0", "1.0.0", "1.0.0", "1.0.0rc2"),
        ("3.2.0.dev", "3.2.0", "3.2.0", "4.0.0", "3.2.0rc1"),
        ("3.2.0.dev0", "3.2.0", "3.2.0", "4.0.0", "3.2.0rc1"),
        ("3.2.1.dev3", "3.2.1", "3.3.0", "4.0.0", "3.2.1rc1"),
        ("3.2.0rc1.dev2", "3.2.0", "3.2.0", "4.0.0", "3.2.0rc2"),
        ("3.2.dev", "3.2.0", "3.2.0", "4.0.0", "3.2.0rc1"),
    ],
)
def test_the_table_of_steps(branch: str, patch: str, minor: str, major: str, rc: str) -> None:
    found = [str(resolve(step, current(branch), [])) for step in STEPS]
    assert found == [patch, minor, major, rc]


@pytest.mark.parametrize(
    ("text", "read"),
    [("3.2.0.dev", "3.2.0.dev0"), ("3.2.0.DEV3", "3.2.0.dev3"), ("3.2.dev1", "3.2.0.dev1")],
)
def test_a_branch_may_state_a_development_release(text: str, read: str) -> None:
    assert str(current(text)) == read


@pytest.mark.parametrize("text", ["3.2.0.devil", "1!3.2.0.dev", "3.2.0.post1.dev1", ".dev", ""])
def test_what_no_branch_can_say_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        current(text)


@pytest.mark.parametrize(
    ("stated", "released", "step", "wanted"),
    [
        ("3.2.0.dev", "3.2.0", "minor", "3.3.0.dev"),
        ("3.2.0.dev0", "3.2.0", "patch", "3.2.1.dev0"),
        ("3.2.dev3", "3.2.0", "minor", "3.3.0.dev0"),
        ("3.2.0.DEV", "4.0.0", "major", "5.0.0.DEV"),
        ("3.1.0", "3.2.0", "minor", "3.3.0.dev0"),
        ("3.2.0.dev", "3.2.0rc1", "minor", ""),
    ],
)
def test_the_next_development_version_is_spelt_as_the_last(
    stated: str, released: str, step: str, wanted: str
) -> None:
    assert following(stated, Version(released), step) == wanted


def test_a_candidate_before_the_development_release_is_taken() -> None:
    assert resolve("rc", current("3.2.0.dev"), [Version("3.2.0rc1")]) == Version("3.2.0rc2")


def test_steps_are_read_whatever_their_case() -> None:
    assert resolve(" Patch ", Version("0.2.3"), []) == Version("0.2.4")


@given(versions, st.sampled_from(STEPS))
def test_a_step_always_goes_up(branch: Version, step: str) -> None:
    assert resolve(step, branch, {branch}) > branch


def test_a_candidate_takes_the_first_free_number() -> None:
    released = [Version(v) for v in ("0.2.4rc1", "0.2.4rc2", "0.3.0rc7", "0.2.4a9")]
    assert str(resolve("rc", Version("0.2.3"), released)) == "0.2.4rc3"


@pytest.mark.parametrize(
    ("request_", "because"),
    [
        ("0.2.3", "0.2.3 is already the version of this branch"),
        ("v0.2.2", "0.2.2 is lower than the version of this branch, 0.2.3"),
        ("0.2.3rc1", "0.2.3rc1 is lower than"),
        ("0.3.0", "0.3.0 is already released"),
        ("minor", "0.3.0 is already released"),
        ("0.3.0rc4", "0.3.0 is already released"),
        ("newest", "'newest' is not a version"),
    ],
)
def test_a_request_that_does_not_go_up_is_refused(request_: str, because: str) -> None:
    released = [Version(v) for v in ("0.2.3", "0.3.0", "0.4.1")]
    with pytest.raises(UsageError) as refused:
        resolve(request_, Version("0.2.3"), released)
    assert because in refused.value.cause
    assert refused.value.remedy


def test_a_hotfix_below_the_highest_is_a_release_like_any_other() -> None:
    assert str(resolve("patch", Version("0.2.3"), [Version("0.3.0")])) == "0.2.4"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v0.2.4", "0.2.4"),
        ("v0.1.2-rc1", "0.1.2rc1"),
        ("v1.0.0-rc.2", "1.0.0rc2"),
    ],
)
def test_release_tags_are_read(text: str, version: str) -> None:
    assert from_tag(text) == Version(version)


@pytest.mark.parametrize(
    "text",
    [
        "0.2.4",
        "v1",
        "v0.2",
        "vv1.0.0",
        "v 1.0.0",
        "v1.0.0 ",
        "V1.0.0",
        "nightly",
        "v1.0.0.dev1",
        "v",
        "",
        "api-v1.0.0",
    ],
)
def test_other_tags_are_no_release(text: str) -> None:
    assert from_tag(text) is None
