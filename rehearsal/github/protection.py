"""Protected branches: the effect of their rules on a push and on a write through the API."""

from rehearsal.github.auth import Caller
from rehearsal.github.errors import Json
from rehearsal.github.hub import Hub
from rehearsal.github.push_rules import PushRules

PULL_REQUEST_NEEDED = "Changes must be made through a pull request."


def wants_pull_request(rule: Json) -> bool:
    """Return whether a protection keeps direct pushes out."""
    return rule.get("required_pull_request_reviews") is not None or bool(rule.get("lock_branch"))


def binding(hub: Hub, caller: Caller) -> dict[str, Json]:
    """Return the protections that bind a caller: administrators may be exempt."""
    exempt = caller.may("administration")
    rules = hub.state.protection.items()
    return {b: rule for b, rule in rules if rule.get("enforce_admins") or not exempt}


def keeps_out(hub: Hub, caller: Caller, branch: str) -> bool:
    """Return whether a branch takes changes of this caller through pull requests only."""
    return wants_pull_request(binding(hub, caller).get(branch, {}))


def rules_for_pushes(hub: Hub, caller: Caller) -> PushRules:
    """Return what counts for a push by this caller."""
    state, protections, has = hub.state, binding(hub, caller), hub.settings
    exempt = caller.may("administration")
    return PushRules(
        default_branch=has.default_branch,
        pull_request_branches=[b for b, rule in protections.items() if wants_pull_request(rule)],
        growing_branches=[b for b, r in protections.items() if not r.get("allow_force_pushes")],
        fixed_tags=[release.tag_name for release in state.releases.values() if release.immutable],
        burned_tags=list(state.burned_tags),
        workflows=caller.may("workflows"),
        branch_rules=[] if exempt else list(has.branch_rules),
        tag_rules=[] if exempt else [kind for all_ in has.tag_rulesets.values() for kind in all_],
    )
