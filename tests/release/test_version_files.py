"""The version in files: one place changes, every other byte stays."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.core.errors import UsageError
from scripts.release import version_files

PYPROJECT = """\
# top
[project]
name = "thing"   # name
version  =  '0.2.3'  # here

[tool.x]
version = "0.2.3"
"""
ENTRY = '[[package]]\nname = "{}"\nversion = "{}"\nsource = {{ editable = "." }}\n'
LOCK = "version = 1\n\n" + ENTRY.format("numpy", "1.0") + "\n" + ENTRY.format("my-thing", "0.2.2")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_pyproject_keeps_its_comments_its_spaces_and_its_line_ends(newline: str) -> None:
    text = PYPROJECT.replace("\n", newline)
    new = version_files.pyproject(text, "0.2.4")
    assert tomllib.loads(new)["project"]["version"] == "0.2.4"
    assert new.replace("'0.2.4'", "'0.2.3'").replace('"0.2.4"', "'0.2.3'") == text


def test_a_line_is_set_where_it_stands_once() -> None:
    assert version_files.line("a: 1\nv: 0.2.3\n", "f", "v: {version}", "0.2.3", "0.2.4") == (
        "a: 1\nv: 0.2.4\n"
    )


@pytest.mark.parametrize(("text", "times"), [("v: 0.2.2\n", 0), ("v: 0.2.3\nv: 0.2.3\n", 2)])
def test_a_line_that_is_not_there_once_is_refused(text: str, times: int) -> None:
    with pytest.raises(UsageError, match=f"'v: 0.2.3' {times} times") as raised:
        version_files.line(text, "CITATION.cff", "v: {version}", "0.2.3", "0.2.4")
    assert str(raised.value.place) == "CITATION.cff"


def test_a_longer_version_is_not_taken_for_a_shorter_one() -> None:
    with pytest.raises(UsageError):
        version_files.line("v: 0.2.30\n", "f", "v: {version}", "0.2.3", "0.2.4")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_lock_files_own_entry_is_set_and_drift_is_mended(newline: str) -> None:
    text = LOCK.replace("\n", newline)
    new = version_files.uv_lock(text, "My.Thing", "0.2.4")
    assert new == text.replace('"0.2.2"', '"0.2.4"')


@pytest.mark.parametrize(
    "text",
    [
        "version = 1\n",
        LOCK + "\n" + ENTRY.format("my-thing", "0.1.0"),
        'version = 1\n[[package]]\nversion = "0.2.2"\nname = "my-thing"\n',
    ],
)
def test_a_lock_file_without_one_readable_entry_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"uv\.lock") as raised:
        version_files.uv_lock(text, "my-thing", "0.2.4")
    assert "uv lock" in raised.value.remedy


def test_a_broken_lock_file_is_refused() -> None:
    with pytest.raises(UsageError, match=r"uv\.lock"):
        version_files.uv_lock("not toml at all", "my-thing", "0.2.4")


names = st.from_regex(r"[a-z]{1,6}(-[a-z]{1,4})?", fullmatch=True)


@given(st.lists(names.filter(lambda n: n != "my-thing"), max_size=8), st.integers(0, 8))
def test_only_the_own_entry_changes_among_any_others(others: list[str], at: int) -> None:
    entries = [ENTRY.format(name, "0.2.2") for name in others]
    entries.insert(at, ENTRY.format("my-thing", "0.2.2"))
    text = "version = 1\n\n" + "\n".join(entries)
    new = version_files.uv_lock(text, "my_thing", "0.2.4")
    assert new.count("0.2.4") == 1
    assert new.replace("0.2.4", "0.2.2") == text
