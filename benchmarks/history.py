"""Make a repository with a long history, quickly: git fast-import."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

PER_RELEASE = 100
"""Commits from one release to the next; half of them are there already for the next one."""
START = 1_600_000_000
"""Seconds since 1970 of the first commit; each next one is a minute younger."""
AUTHOR = "A Person <person@example.org>"
PROJECT = "sample_project"
KINDS = ("feat", "fix", "docs", "refactor", "fix(api)", "chore", "feat(web)", "test", "perf", "ci")
# As squashed pull requests leave them: a subject with its number, what and why, and trailers.
MESSAGE = """\
{kind}: make the {number}th thing do what it says (#{number})

Until now it did something else when its input was empty, because the check
stood behind the loop. The check now stands before it, and says what it found.

- one more test for the empty input
- the name of the parameter says what it holds

Closes #{issue}

Co-authored-by: Another Person <another@example.org>
"""
PYPROJECT = """\
[project]
name = "sample_project"
version = "{version}"
authors = [{{ name = "A Person", email = "person@example.org" }}]
requires-python = ">=3.11"

[tool.release]
branch = "main"
changelog = "CHANGELOG.md"

[tool.release.package]
modules = ["sample_project"]

[tool.commitizen]
name = "cz_conventional_commits"
version_provider = "uv"
tag_format = "v$version"
annotated_tag = true
update_changelog_on_bump = true
changelog_incremental = true

[tool.semantic_release]
version_toml = ["pyproject.toml:project.version"]
commit_author = "A Person <person@example.org>"
tag_format = "v{{version}}"
allow_zero_version = true
build_command = ""

[tool.semantic_release.changelog]
mode = "update"
insertion_flag = "<!-- version list -->"
"""
UV_LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "sample-project"
version = "{version}"
source = {{ editable = "." }}
"""
UNRELEASED = """\
# Changelog

<!-- version list -->

## [Unreleased]

### Fixed

- Something that was broken.

"""


def version(release: int) -> str:
    """Number the releases: ten patches to a minor version."""
    return f"0.{release // 10}.{release % 10}"


def following(last: str) -> str:
    """Give the patch that comes after a version."""
    minor, _, patch = last.rpartition(".")
    return f"{minor}.{int(patch) + 1}"


def make(folder: Path, commits: int) -> str:
    """Make a bare repository of so many commits on `main`, tagged at each release.

    Gives the version that its files say, the last one released.
    """
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", folder], check=True)
    done = subprocess.Popen(
        ["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE, text=False
    )
    assert done.stdin  # noqa: S101
    with done.stdin as stream:
        for part in _stream(commits):
            stream.write(part.encode())
    if done.wait():
        raise RuntimeError("git fast-import failed")
    subprocess.run(["git", "-C", folder, "gc", "--quiet"], check=True)
    return version(commits // PER_RELEASE)


def _stream(commits: int) -> Iterator[str]:
    """Write the history as git-fast-import reads it."""
    for number in range(1, commits + 1):
        release, rest = divmod(number + PER_RELEASE // 2, PER_RELEASE)
        files = {f"sample_project/module_{number % 50}.py": f"NUMBER = {number}\n"}
        if rest == 0 or number == 1:
            files |= _released(release)
        kind = KINDS[number % len(KINDS)]
        message = MESSAGE.format(kind=kind, number=number, issue=number // 2)
        when = f"{START + 60 * number} +0000"
        yield f"commit refs/heads/main\nmark :{number}\ncommitter {AUTHOR} {when}\n{_data(message)}"
        for path, text in files.items():
            yield f"M 100644 inline {path}\n{_data(text)}"
        if rest == 0:
            yield f"tag v{version(release)}\nfrom :{number}\ntagger {AUTHOR} {when}\n{_data('')}"


def _released(release: int) -> dict[str, str]:
    number = version(release)
    return {
        "pyproject.toml": PYPROJECT.format(version=number),
        "uv.lock": UV_LOCK.format(version=number),
        "CHANGELOG.md": UNRELEASED + "".join(map(_section, range(release, 0, -1))),
    }


def _section(release: int) -> str:
    return f"## [{version(release)}] - 2025-01-01\n\n### Fixed\n\n- Change number {release}.\n\n"


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"
