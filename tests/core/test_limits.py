"""Every limit at its edge. The numbers stand here again, so that whoever changes one means it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from packaging.version import Version

from scripts.core import announcement, changelog, codec, notes, planning, tags
from scripts.core.changelog import links, titles
from scripts.core.changelog.headline import headline
from scripts.core.commits import Commit, changes
from scripts.core.errors import ReleaseError, UsageError
from scripts.core.noise import is_bot
from scripts.core.notes import shortened
from scripts.core.plain import plain
from scripts.core.version import parse
from scripts.surfaces import web
from tests.core.values import a_plan

STEP = links.Step("v1.1.0", "v1.0.0", None)


@pytest.mark.parametrize(("length", "kept"), [(100, True), (101, False)])
def test_a_headline(length: int, kept: bool) -> None:
    assert bool(headline("Unreleased", "x" * length)) is kept


def test_an_announcement_is_as_long_as_mastodon_lets_it() -> None:
    said = announcement.text(
        replace(a_plan(), title=f"v0.2.4{planning.BETWEEN}{'x' * 600}"), "https://x.y/z"
    )
    assert len(said) == 500


@pytest.mark.parametrize(("length", "kept"), [(200, True), (201, False)])
def test_an_entry(length: int, kept: bool) -> None:
    assert plain("x" * length) == "x" * 200 + ("" if kept else " …")


def test_an_entry_is_shortened_between_two_words() -> None:
    assert plain("words " * 60) == "words " * 32 + "words …"


@pytest.mark.parametrize(("length", "kept"), [(300, True), (301, False)])
def test_a_name_that_is_compared_with_a_pattern(length: int, kept: bool) -> None:
    assert is_bot("a" + "x" * (length - 2) + "z", ["a*z"]) is kept


@pytest.mark.parametrize(("length", "kept"), [(2000, True), (2001, False)])
def test_an_address_that_is_imitated(length: int, kept: bool) -> None:
    base = "https://x.y/"
    example = f"{base}{'z' * (length - len(base) - len('/compare/a...b'))}/compare/a...b"
    assert len(example) == length
    assert bool(links.of_version(example, STEP)) is kept


def test_a_title_is_read_up_to_a_length() -> None:
    found = titles.titled("1.2.3 " + "x" * 900)
    assert found
    assert sum(map(len, found)) == 500


@pytest.mark.parametrize(("digits", "gone"), [(6, False), (7, True), (40, True)])
def test_the_commit_that_a_revert_names(digits: int, gone: bool) -> None:
    sha = "0123456789" * 4
    message = f"Revert it\n\nThis reverts commit {sha[:digits]}.\n"
    history = [Commit("f" * 40, (), "Ann", message), Commit(sha, (), "Ann", "Add x")]
    assert len(changes(history)) == (0 if gone else 2)


@pytest.mark.parametrize(("newer", "doubted"), [(9, True), (10, False)])
def test_the_tags_that_another_style_is_looked_for_in(newer: int, doubted: bool) -> None:
    found = tags.detect(["1.0.0", *(f"v1.1.{n}" for n in range(newer))])
    assert found.style.template == "v{version}"
    assert bool(found.others) is doubted


def test_a_version() -> None:
    longest = "1.2." + "3" * 96
    assert parse(longest) == Version(longest)
    with pytest.raises(UsageError, match="is not a version"):
        parse(longest + "3")


@pytest.mark.parametrize(("before", "dated"), [(2, True), (3, False)])
def test_the_headings_that_are_looked_through_for_a_date(before: int, dated: bool) -> None:
    undated = "".join(f"## 1.0.{9 - n}\n\n- x\n\n" for n in range(before))
    text = f"## Unreleased\n\n- new\n\n{undated}## 1.0.0 - 2025-01-02\n\n- x\n"
    new = changelog.cut(text, Version("1.1.0"), "2026-03-04", tag="v1.1.0", previous_tag=None)
    assert ("## 1.1.0 - 2026-03-04" in new) is dated


def test_the_schema_of_the_files_of_earlier_releases() -> None:
    assert '"schema": 1,' in codec.encode(a_plan())


def test_the_last_time_that_a_plan_can_have() -> None:
    last = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
    planning.checked(planning.identified(replace(a_plan(), source_date_epoch=last)))
    with pytest.raises(ReleaseError):
        planning.checked(planning.identified(replace(a_plan(), source_date_epoch=last + 1)))


def test_the_notes_are_as_long_as_github_lets_them() -> None:
    assert notes.LIMIT == 125_000


def test_shortened_notes_keep_whole_lines_or_nothing() -> None:
    assert shortened("Some text.", 1, "more") == "more"
    assert shortened("a\nb\nccc", 7, "m") == "a\nb\nccc"
    assert shortened("a\nb\nccc", 6, "m") == "a\nb\n\nm"
    assert shortened("a\nb\nccc", 5, "m") == "a\n\nm"


def test_a_quoted_answer() -> None:
    found = web.no_answer("it", ValueError("z" * 300), "none")
    assert found.cause.count("z") == 200 - len("ValueError: ")


@pytest.mark.parametrize(("older", "more"), [(6, ""), (7, ", and 1 more"), (8, ", and 2 more")])
def test_the_lines_that_one_finding_names(older: int, more: str) -> None:
    wrong = "".join(f"## [1.0.{9 - n}] - 2025-02-30\n\n- x\n\n" for n in range(older))
    text = f"## [Unreleased]\n\n- x\n\n## [1.1.0] - 2025-03-01\n\n- x\n\n{wrong}"
    (found,) = changelog.oddities(text)
    assert found.place
    assert found.place.line == 9
    assert found.cause.endswith(f"; the same kind in line 13, 17, 21, 25, 29{more}")
