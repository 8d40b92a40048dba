"""The smallest project for a release: a package of one line and two images of one layer.

Its workflows, actions and scripts come from this checkout, so a result with it holds for them. Its
release takes seconds, so that hundreds of releases are possible.
"""

from pathlib import Path

from rehearsal.world import git_repo

OWNER, PROJECT = "example", "tiny_example"
CARRIED = (".github", "scripts", "requirements")
"""The parts that come from the checkout: all that makes a release."""
IMAGES = ("front", "back")
ARCHITECTURES = ("amd64", "arm64")
WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (
        ("NAME", "Somebody"),
        ("EMAIL", "somebody@example.org"),
        ("DATE", "1767225600 +0000"),
    )
}
PYPROJECT = f"""\
[build-system]
requires = ["flit_core==3.12.0"]
build-backend = "flit_core.buildapi"

[project]
name = "{PROJECT}"
version = "0.2.3"
description = "A project for rehearsals of releases."
readme = "README.md"
requires-python = ">=3.11"

[tool.release.package]
modules = ["{PROJECT}"]
"""
IMAGE = """
[[tool.release.images]]
name = "{name}"
dockerfile = "Dockerfile.{name}"
repository = "{owner}/tiny_{name}"
platforms = ["linux/amd64", "linux/arm64"]
"""
# The two platforms share no layer: otherwise the uploads would depend on their order.
DOCKERFILE = """\
FROM scratch AS dist
FROM scratch AS all
ARG TARGETARCH
COPY --from=dist / /dist/
COPY platform.${{TARGETARCH}} /platform.{name}
FROM scratch
COPY --from=all / /
"""
CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- Something worth a release.

## [0.2.3] - 2025-08-20

### Added

- Everything.
"""


def make(checkout: Path, folder: Path) -> None:
    """Make the project in `folder`, a repository with one commit; `checkout` gives its HEAD."""
    git_repo.git(folder, "init", "--quiet", "--initial-branch=main")
    git_repo.unpack(checkout, folder, *CARRIED)
    for path, text in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    git_repo.git(folder, "add", "--all", "--force", ".")
    git_repo.git(folder, "commit", "--quiet", "--message", "A project", **WHO)


def files() -> dict[str, str]:
    """Return the project's own files."""
    tables = [IMAGE.format(name=name, owner=OWNER) for name in IMAGES]
    return {
        "pyproject.toml": PYPROJECT + "".join(tables),
        "CHANGELOG.md": CHANGELOG,
        "README.md": "# A project for rehearsals of releases\n",
        "Makefile": "check:\n\t@echo nothing to check\n",
        ".gitignore": "/release/\n/.venv/\n__pycache__/\n",
        f"{PROJECT}/__init__.py": '"""A package of one line."""\n',
        **{f"Dockerfile.{name}": DOCKERFILE.format(name=name) for name in IMAGES},
        **{f"platform.{name}": f"{name}\n" for name in ARCHITECTURES},
    }
