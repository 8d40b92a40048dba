"""Make the release commit, and push it on its branch."""

from scripts.core.converge import converge
from scripts.core.results import Done
from scripts.release import release_commit
from scripts.release.context import Context
from scripts.surfaces.git_remote import ReleaseBranch


def run(context: Context) -> Done:
    """Make the commit and, unless this is a dry run, push it on its branch."""
    plan = context.plan
    if plan.release_branch is None:
        return Done(facts=(("commit", plan.base),))
    commit = release_commit.find(context) or release_commit.make(context)
    done = Done(facts=(("commit", commit),))
    if plan.dry_run:
        return done
    branch = ReleaseBranch(context.git, plan, commit)
    outcomes = converge([branch], context.environment.patience)
    return Done(tuple(outcomes), done.facts)
