"""Images without content, for a rehearsal on a machine that cannot build the project's own."""

from pathlib import Path
from typing import Any

import tomlkit

from rehearsal.world import git_repo
from rehearsal.world.example_project import WHO
from scripts.release.version_source import inside

NOTE = "--build none: all images are FROM scratch and are not started: they prove nothing"
_STARTED = ("port", "health", "version")
_DOCKERFILE = """\
FROM scratch{stage}
COPY <<END /stand-in
This stands in for the image of {path}.
END
"""


def commit(bare: Path, branch: str, folder: Path) -> str:
    """Replace every Dockerfile of the table in a commit on `branch`; return the commit.

    The table of that commit has neither a compose file nor ports, so that no image is started.
    `folder` is for a clone, and must not exist.
    """
    git_repo.tree(bare, f"refs/remotes/origin/{branch}", folder)
    file = folder / "pyproject.toml"
    document: Any = tomlkit.parse(file.read_text("utf-8"))
    release = inside(document, "tool", "release")
    for key in ("compose", "acceptance"):
        release.pop(key, None)
    for image in release.get("images", []):
        for key in _STARTED:
            image.pop(key, None)
        stage = f" AS {image['target']}" if "target" in image else ""
        text = _DOCKERFILE.format(stage=stage, path=image["dockerfile"])
        (folder / image["dockerfile"]).write_text(text, "utf-8")
    file.write_text(tomlkit.dumps(document), "utf-8")
    if not git_repo.changes(folder):
        return git_repo.git(folder, "rev-parse", "HEAD")
    message = "Build empty images in this rehearsal"
    git_repo.git(folder, "commit", "--quiet", "--all", "--message", message, **WHO)
    git_repo.git(folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return git_repo.git(folder, "rev-parse", "HEAD")
