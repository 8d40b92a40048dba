"""Texts for people: the plan, the gate's list, the report. Markdown, from values alone."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from scripts.core.converge import ANNOUNCEMENT, CHECK, NAME, POINTER, Outcome, Surface
from scripts.core.findings import ADVICE, NOT_CHECKED, OK, PROBLEM, Finding
from scripts.core.jobs import JOBS, PROVING, before_report
from scripts.core.lockfile import Lock
from scripts.core.planning import Plan
from scripts.core.results import Result
from scripts.core.rollback import Rollback

SIGNS = {PROBLEM: "❌", ADVICE: "⚠️", NOT_CHECKED: "❔", OK: "✅"}
"""The worst first."""
BROKEN = ("failure", "cancelled")
"""The ends of a job that started but left no result."""
LONG = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; a bar or a line feed in a cell cannot break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def plan(plan: Plan, public: Sequence[str]) -> str:
    """Write the plan for a person, and which parts of it are public already."""
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
        *([("next version", f"`{plan.next_version}`")] if plan.next_version else []),
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
    """Write all findings, problems first, with why they matter and how to fix them."""
    rows = [
        (f"{SIGNS[one.status]} {one.what}", _found(one), one.why, _remedy(one))
        for one in sorted(found, key=lambda one: list(SIGNS).index(one.status))
    ]
    return f"## {title}\n\n{table(('what', 'found', 'why it matters', 'what to do'), rows)}\n"


def _found(one: Finding) -> str:
    return f"not checked: {one.found}" if one.status == NOT_CHECKED else one.found


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
    head = (
        "The weekly audit found parts of a release that no longer agree. "
        "It closes this issue when they agree again."
    )
    return "\n\n".join([head, *parts]) + "\n"


def foreign(one: Finding) -> str:
    """Write the issue about something that no release made."""
    return (
        f"The audit found `{one.what}`: {one.found}.\n\n**What to do:** {one.remedy}. If it was "
        "made in the course of a release, run that release again: it names the conflict.\n\n"
        "The audit closes this issue when it is gone."
    )


def rollback(decided: Rollback) -> str:
    """Write which pointers a rollback moves, and which stay."""
    bad, good = decided.bad.plan, decided.good.plan
    rows = [
        *(
            (f"`{m.repository}:{m.tag}`", f"`{m.bad}`", f"{m.version}: `{m.good}`")
            for m in decided.moves
        ),
        *((f"`{tag}`", "stays", "no other release in its line") for tag in decided.staying),
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


def gate(
    lock: Lock,
    surfaces: Sequence[Surface],
    draft: str = "",
    notes: str = "",
    changed: Sequence[Sequence[str]] = (),
    *,
    proof: Sequence[tuple[str, str]] = (),
) -> str:
    """Write exactly what becomes public when the release is approved.

    `draft` is its page; `changed` are the locked dependencies that are not as in the last release:
    file, package, version then, version now. Each of `proof` is a line and its details.
    """
    names, pointers = (
        table(("what", "planned"), [(s.title, s.planned) for s in surfaces if s.kind == kind])
        for kind in (NAME, POINTER)
    )
    locked = [(f"`{path}`", *change) for path, *change in changed]
    head = ("lock", "package", "last release", "this release")
    parts = [
        f"## What becomes public of {lock.plan.project} {lock.plan.version}",
        f"The [draft]({draft}) holds every file, and its notes can be edited." if draft else "",
        f"Names, which never move:\n\n{names}",
        f"After a consumer's check:\n\n{pointers}",
        f"Dependencies that changed:\n\n{table(head, locked)}" if locked else "",
        *(_closed_up(*one) for one in proof),
        _closed_up("The notes", notes) if notes else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _closed_up(title: str, markdown: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{markdown.strip()}\n\n</details>"


def verified(moment: str, platform: str, outcomes: Sequence[Outcome]) -> str:
    """Write what was checked on one platform."""
    return f"### Verified on {platform}, {moment}\n\n" + "\n".join(map(_checked, outcomes))


def public(surfaces: Sequence[Surface]) -> list[Surface]:
    """Choose the surfaces that people see."""
    return [one for one in surfaces if one.kind in (NAME, POINTER)]


def run(
    plan: Plan | None,
    results: Sequence[Result],
    run_url: str | None,
    page: str = "",
    surfaces: Sequence[Surface] = (),
    *,
    ended: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write the report of a run: the next step, the failures, the surfaces, the time of each job.

    `page` is the repository's address; `surfaces` are all surfaces of the release; `ended` has the
    end of each job, by the name of its results, since a job can fail without leaving any.
    """
    title = f"{plan.project} {plan.version}" if plan else "the release"
    results = [one for one in results if one.failure or one.job not in _absent(plan)]
    failed = sorted((one for one in results if one.failure), key=lambda one: one.finished)
    silent = [job for job in _expected(plan) if not _of(results, job)]
    broken = any(ended.get(job) in BROKEN for job in silent)
    named = [f"{job} ({ended[job]})" if job in ended else job for job in silent]
    parts = [
        f"## Report: {title}",
        _next(plan, failed, results, run_url, page, broken=broken),
        *(_failure(result, first=n == 0) for n, result in enumerate(failed)),
        _surfaces(public(surfaces), results) if plan and not plan.dry_run else "",
        _told("What was checked", CHECK, results),
        _told("Announcements", ANNOUNCEMENT, results),
        f"**Did not run, or left no result:** {', '.join(named)}" if silent else "",
        timeline(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _expected(plan: Plan | None) -> tuple[str, ...]:
    jobs = before_report()
    if plan and plan.dry_run:
        jobs = tuple(job for job in jobs if job.phase == PROVING)
    return tuple(job.result for job in jobs if job.result not in _absent(plan))


def _absent(plan: Plan | None) -> tuple[str, ...]:
    """Name the jobs that have nothing to do for this project.

    They run anyway, since GitHub would skip all jobs after a skipped job.
    """
    if plan is None:
        return ()
    return tuple(job.result for job in JOBS if job.part and not getattr(plan, job.part))


def _of(results: Iterable[Result], job: str) -> list[Result]:
    return [one for one in results if one.name == job or one.name.startswith(f"{job}-")]


def _next(
    plan: Plan | None,
    failed: Sequence[Result],
    results: Sequence[Result],
    url: str | None,
    page: str,
    *,
    broken: bool,
) -> str:
    """Write the one next step."""
    where = f" ([this run]({url}))" if url else ""
    version = f"`{plan.version}`" if plan else "the same version"
    button = _button(page, "release.yml", "Run workflow")
    again = f"{button} again with {version}: it continues from the current state{where}"
    if failed or broken or plan is None:
        back = f"{_button(page, 'rollback.yml', 'Roll back')} with {version}"
        return f"**Next:** {_after_failure(failed[:1], again, back)}"
    if plan.dry_run:
        return f"**Next:** nothing was written. Run it without *dry run* to release{where}."
    if _of(results, "promote"):
        return f"**Done:** {plan.project} {plan.version} is released{where}."
    if _of(results, "verify-staged") and not _of(results, "gate"):
        return f"**Next:** approve the release{where}, or {button} again with {version}."
    return f"**Next:** the run was interrupted. {again}."


def _after_failure(first: Sequence[Result], again: str, back: str) -> str:
    if _of(first, "verify-published"):
        return (
            f"check whether the release is broken. If something only arrived late: {again}. If it "
            f"is broken, no pointer leads to it: {back} deletes its draft; yank it on the index, "
            "and release the next version."
        )
    if _of(first, "audit"):
        return (
            "the release is public, but some parts of it do not agree. The list below says how "
            f"to fix them. If this harms users until then: {back}."
        )
    if first and first[0].failure and first[0].failure.kind == "ConflictError":
        remedy = first[0].failure.remedy
        return (
            f"a name already has different content, and another run cannot change that: {remedy}."
        )
    return f"fix the problem below, then {again}."


def _button(page: str, workflow: str, name: str) -> str:
    return f"[*{name}*]({page}/actions/workflows/{workflow})" if page else f"*{name}*"


def _failure(result: Result, *, first: bool) -> str:
    assert result.failure  # noqa: S101 - the caller chose those that failed
    cause = result.failure.cause.replace("\n", "\n> ")
    later = "" if first else " (later)"
    return f"### ❌ {result.name}{later}\n\n> {cause}\n\n**What to do:** {result.failure.remedy}"


def _surfaces(surfaces: Sequence[Surface], results: Sequence[Result]) -> str:
    came_to = {one.title: one for result in results for one in result.outcomes}
    rows = []
    for one in surfaces:
        outcome = came_to.get(one.title)
        seen = "not reached" if outcome is None else outcome.detail
        sign = "○" if outcome is None else "✅"
        this_run = "" if outcome is None else "written" if outcome.written else "was there"
        linked = f"[open]({one.link})" if one.link else ""
        rows.append((f"{sign} {one.title}", _short(one.planned), _short(seen), this_run, linked))
    head = ("surface", "planned", "found", "this run", "link")
    return f"### What is where\n\n{table(head, rows)}"


def _told(title: str, kind: str, results: Sequence[Result]) -> str:
    """List what the jobs say of one kind: the report does not observe it itself."""
    lines = [
        _checked(outcome)
        for job in JOBS
        for result in _of(results, job.result)
        for outcome in result.outcomes
        if outcome.kind == kind
    ]
    return "\n".join([f"### {title}", "", *lines]) if lines else ""


def _checked(outcome: Outcome) -> str:
    sign = "○" if outcome.skipped else "✅"
    return f"- {sign} {_short(f'{outcome.title}: {outcome.detail}')}"


def _short(text: str) -> str:
    """Shorten hashes for a person: `sha256:` and twelve digits, twelve digits of a commit."""
    return LONG.sub(r"\1", text).replace("\n", " ")


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
