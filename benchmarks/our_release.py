"""The local part of our release, as one process: from facts to a commit and a tag in this clone.

What `plan` and `prepare` do, without asking index, registry and GitHub: read the facts from git
and the files, decide the plan, refuse what cannot be released, edit version, changelog and lock
file, commit, tag; then move the checkout's branch on, as the tools beside it do.
"""

import sys
from pathlib import Path

from scripts.core import planning
from scripts.core.lockfile import Lock
from scripts.release import release_commit, starting_point
from scripts.release.context import Context
from scripts.surfaces.git_remote import tag_object
from scripts.tools.environment import Environment


def main(request: str) -> None:
    """Release what is asked for, `0.2.4` or `patch`."""
    context = Context(Environment.current(version=request), Path.cwd())
    start = starting_point.find(context)
    wanted = starting_point.wanted(context, start)
    starting_point.check(context, start, wanted)
    product = starting_point.product(context, start.config)
    base = starting_point.base_of(context, start)
    context.plan = planning.decide(product, wanted, base, start.released(), start.style)
    commit = release_commit.make(context)
    lock = Lock(context.plan, commit, (), ())
    tag = context.git.run("mktag", text=tag_object(lock))
    context.git.run("merge", "--quiet", "--ff-only", commit)
    context.git.run("update-ref", f"refs/tags/{context.plan.tag}", tag)


if __name__ == "__main__":
    main(sys.argv[1])
