"""What people read: the plan, the gate's list, the report. Markdown, from values alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from scripts.core import findings as marks
from scripts.core.findings import Finding
from scripts.core.lock import Lock
from scripts.core.plan import Plan
from scripts.core.results import Result
from scripts.core.rollback import Rollback

SIGNS = {marks.PROBLEM: "❌", marks.ADVICE: "⚠️", marks.NOT_CHECKED: "❔", marks.OK: "✅"}
"""The worst first."""
SHORT = 19  # characters of a digest that a person compares: `sha256:` and twelve more


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; a bar or a line feed in a cell cannot break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def plan(plan: Plan, public: Sequence[str]) -> str:
    """Write the whole plan for a person to read, and what of it is public already."""
    start = f"`{plan.base[:12]}` of `{plan.branch}`" if plan.branch else f"tag `{plan.tag}`"
    rows = [
        ("version", f"{plan.version}" + (" (release candidate)" if plan.prerelease else "")),
        ("compared with", plan.previous_tag or "nothing: this is the first release"),
        ("starts from", start),
        ("date", plan.date),
        *(("package file", f"`{name}`") for name in plan.dists),
        *(
            (f"image {i.name}", f"`{i.reference}` for {', '.join(i.platforms)}")
            for i in plan.images
        ),
        ("git tag", f"`{plan.tag}`"),
        *_pointers(plan),
        ("public already", ", ".join(public) or "nothing"),
        ("plan", f"`{plan.id[:12]}`"),
    ]
    mode = "Dry run of" if plan.dry_run else "Plan for"
    return f"## {mode} {plan.project} {plan.version}\n\n{table(('what', 'planned'), rows)}\n"


def _pointers(plan: Plan) -> list[tuple[str, str]]:
    floating = [f"`{i.repository}:{tag}`" for i in plan.images for tag in i.floating]
    moved = floating + ["GitHub's Latest"] * plan.latest + [f"`{plan.branch}`"] * bool(plan.branch)
    return [("pointers that move", ", ".join(moved) or "none")]


def findings(title: str, found: Sequence[Finding]) -> str:
    """Write what was looked at, what is wrong first, and why and how to mend it."""
    rows = [
        (f"{SIGNS[one.status]} {one.what}", _found(one), one.why, _remedy(one))
        for one in sorted(found, key=lambda one: list(SIGNS).index(one.status))
    ]
    return f"## {title}\n\n{table(('what', 'found', 'why it matters', 'what to do'), rows)}\n"


def _found(one: Finding) -> str:
    return f"not checked: {one.found}" if one.status == marks.NOT_CHECKED else one.found


def _remedy(one: Finding) -> str:
    return f"{one.remedy} ([page]({one.page}))".strip() if one.page else one.remedy


def drift(found: Mapping[str, Sequence[Finding]]) -> str:
    """Write the issue about drift, by release."""
    parts = [
        f"## {tag}\n\n"
        + table(
            ("what", "found", "what to do"), [(one.what, one.found, one.remedy) for one in each]
        )
        for tag, each in found.items()
    ]
    head = "The weekly audit found what no longer agrees. It closes this issue when it is mended."
    return "\n\n".join([head, *parts]) + "\n"


def rollback(decided: Rollback) -> str:
    """Write what a rollback moves, and what stays."""
    bad, good = decided.bad.plan, decided.good.plan
    rows = [
        *(
            (f"`{m.repository}:{m.tag}`", f"`{m.bad}`", f"{m.version}: `{m.good}`")
            for m in decided.moves
        ),
        *((f"`{tag}`", "stays", "its line has no other release") for tag in decided.staying),
        *([("GitHub's Latest", bad.tag, good.tag)] if bad.latest else []),
        (f"release {bad.tag}", "a release", "marked as rolled back, a pre-release"),
        ("changelog", bad.version, f"{bad.version} [YANKED]"),
    ]
    head = ("pointer", "from", "to")
    return f"## Roll back {bad.project} {bad.version} to {good.version}\n\n{table(head, rows)}\n"


def withdrawal(tag: str) -> str:
    """Write what happens to a release that was never promoted."""
    return (
        f"## Withdraw {tag}\n\nIt was never promoted, so no pointer leads to it. Its draft and its "
        "release branch are removed; names that are public stay.\n"
    )


def gate(lock: Lock) -> str:
    """Write exactly what becomes public when the release is approved."""
    names = [
        *(
            (f"package {lock.plan.project}", f"`{d.name}`", f"`sha256:{d.sha256}`")
            for d in lock.dists
        ),
        *(
            ("image", f"`{planned.reference}`", f"`{lock.image(planned.name).digest}`")
            for planned in lock.plan.images
        ),
        ("git tag", f"`{lock.plan.tag}`", f"`{lock.commit}`"),
    ]
    pointers = table(("what", "planned"), _pointers(lock.plan))
    return (
        f"## {lock.plan.project} {lock.plan.version} is proven and waits for approval\n\n"
        f"Names, which never move:\n\n{table(('what', 'name', 'bytes'), names)}\n\n"
        f"After a consumer's check:\n\n{pointers}\n"
    )


def run(plan: Plan | None, results: Sequence[Result], run_url: str | None) -> str:
    """Write the report of a run: what is where, what failed, what to do next, the timeline."""
    title = f"{plan.project} {plan.version}" if plan else "the release"
    failed = [result for result in results if result.failure]
    parts = [
        f"## Report: {title}",
        _next(plan, failed, {result.job for result in results}, run_url),
        *(_failure(result) for result in failed),
        _outcomes(results),
        timeline(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _next(plan: Plan | None, failed: Sequence[Result], jobs: set[str], url: str | None) -> str:
    where = f" ([this run]({url}))" if url else ""
    if failed or plan is None:
        version = plan.version if plan else "the same version"
        advice = f"mend what is named below, then *Run workflow* again with `{version}`"
        return f"**Next:** {advice}: it goes on from what is there{where}."
    if plan.dry_run:
        return f"**Next:** nothing was written. Run it without *dry run* to release{where}."
    if "promote" in jobs:
        return f"**Done:** {plan.project} {plan.version} is released{where}."
    return f"**Next:** approve the release, or run it again with `{plan.version}`{where}."


def _failure(result: Result) -> str:
    assert result.failure  # noqa: S101 - the caller chose those that failed
    cause = result.failure.cause.replace("\n", "\n> ")
    return f"### ❌ {result.name}\n\n> {cause}\n\n**What to do:** {result.failure.remedy}"


def _outcomes(results: Sequence[Result]) -> str:
    rows = [
        (result.name, outcome.title, outcome.detail, "written" if outcome.written else "was there")
        for result in results
        for outcome in result.outcomes
    ]
    return table(("job", "what", "found", "this run"), rows) if rows else ""


def timeline(results: Sequence[Result]) -> str:
    """Draw when each job ran (Mermaid, Gantt diagrams)."""
    if not results:
        return ""
    bars = [
        f"  {r.name.replace(':', ' ')} :{'crit, ' if r.failure else ''}{_stamp(r.started)}, "
        f"{max(r.finished - r.started, 1):.0f}s"
        for r in sorted(results, key=lambda r: r.started)
    ]
    head = ["```mermaid", "gantt", "  dateFormat YYYY-MM-DD HH:mm:ss", "  axisFormat %H:%M:%S"]
    return "\n".join([*head, *bars, "```"])


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
