"""Scan what was built, before anything of it is staged.

No credentials and no foreign program meet in this job. The scanner's exit code decides nothing:
its matches are judged by the policy of the table.
"""

from scripts.core import codec, proof
from scripts.core.converge import CHECK, Outcome
from scripts.core.errors import CheckError
from scripts.core.results import Done
from scripts.core.scan_policy import Verdict
from scripts.release import previous, sboms, scanning, second_opinion
from scripts.release.assets import VERDICT
from scripts.release.configuration import TABLE
from scripts.release.context import Context


def run(context: Context) -> Done:
    """Write the verdict; fail if something stops the release."""
    config = context.config.scan
    if config is None:
        return Done((_outcome(f"[{TABLE}.scan] is not set", skipped=True),))
    if context.earlier_lock:
        return Done((_outcome("as judged by the earlier attempt"),))
    found, last = sboms.inventories(context), previous.lock(context)
    judge = scanning.judge(context, config, found.values())
    verdict = judge.verdict(found.values(), context.plan.date, last)
    context.write(VERDICT, codec.encode(verdict))
    line, details = proof.security(verdict)
    opinions = tuple(second_opinion.ask(context, config, found.values()))
    beside = "\n".join(f"- {one.title}: {one.detail}" for one in opinions)
    context.report(f"## {line}\n\n{details}\n\n{beside}\n", verdict=verdict)
    refuse(verdict)
    return Done((_outcome(line), *opinions))


def _outcome(detail: str, *, skipped: bool = False) -> Outcome:
    return Outcome("scan", detail, written=False, skipped=skipped, kind=CHECK)


def refuse(verdict: Verdict) -> None:
    """Raise CheckError for what stops the release."""
    if stopping := verdict.stopping:
        named = (f"{one.id} in {one.package} {one.version} ({one.why})" for one in stopping)
        raise CheckError(
            f"{len(stopping)} vulnerabilities stop the release: {'; '.join(named)}",
            "update the package or its base image; or accept it for a while: "
            f"`exceptions` of [{TABLE}.scan], with an id, a day and a reason",
        )
