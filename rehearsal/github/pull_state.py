"""How pull requests follow their branches."""

from rehearsal.github.hub import Hub
from rehearsal.github.store import Pull, now


async def refresh(hub: Hub) -> None:
    """Update open pull requests from their branches; the caller holds the lock.

    A head branch that is gone closes its pull request; a base that contains the head has merged it,
    however that came about. `refs/pull/N/head` keeps the commits of every one.
    """
    for pull in hub.state.pulls.values():
        if pull.state == "open":
            await follow(hub, pull)
    hub.store.save()


async def follow(hub: Hub, pull: Pull) -> None:
    """Bring one open pull request up to date."""
    base = await hub.git.ref(f"refs/heads/{pull.base}")
    head = await hub.git.ref(f"refs/heads/{pull.head}")
    if base is None or head is None:
        pull.closed_at = now()
        return
    await hub.git.raw("update-ref", f"refs/pull/{pull.number}/head", head)
    if await hub.git.ancestor(head, base):
        finish(pull, head, base, None)
    else:
        pull.head_sha, pull.base_sha = head, base


def finish(pull: Pull, head: str, merged: str, login: str | None) -> None:
    """Mark a pull request as merged; keep its base from before the merge."""
    pull.head_sha, pull.merge_commit_sha, pull.merged_by = head, merged, login
    pull.merged_at = pull.closed_at = pull.updated_at = now()
