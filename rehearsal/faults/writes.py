"""Find the write requests of a run, and target a fault at one of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rehearsal.gateway.journal import Entry
from rehearsal.runs.direct import LegRun

SILENCE = 3.0
"""The stages' timeout of a silent service in seconds, instead of half a minute."""
UPLOAD_SILENCE, TOOL_SILENCE, BUILDER_DELAY = 95.0, 15.0, 4.0
"""A delay in seconds after which twine and imagetools fail; the builder always waits."""
DOWN = "down"
KINDS: Mapping[str, Mapping[str, Any]] = {
    "503": {"action": "status", "code": 503},
    "429": {"action": "status", "code": 429, "headers": {"Retry-After": "1"}},
    "dropped before": {"action": "drop-before"},
    "dropped after": {"action": "drop-after"},
    "reset": {"action": "reset"},
    "delayed": {"action": "delay"},
    "truncated": {"action": "truncate"},
    DOWN: {"action": "status", "code": 503},
}
"""The fault of a request. `down` hits it and all like it until the run ends."""


@dataclass(frozen=True)
class Write:
    """One write request of the clean run."""

    entry: Entry
    leg: str
    job: str
    pattern: str
    title: str
    occurrence: int
    """Its number among the writes of its pattern within its job, from 1."""
    occurrence_in_run: int
    number: int
    """Its number among the writes of its title within its job, from 1."""

    def rule(self, kind: str, *, whole_run: bool) -> dict[str, Any]:
        """Return the gateway's rule for a fault on this request."""
        rule = {
            "service": self.entry.service,
            "method": self.entry.method,
            "path": self.pattern,
            "occurrence": self.occurrence_in_run if whole_run else self.occurrence,
            **KINDS[kind],
        }
        if kind == DOWN:
            del rule["occurrence"]
        if kind == "delayed":
            rule["seconds"] = self._delay()
        return rule

    def _delay(self) -> float:
        if self.entry.service == "index":
            return UPLOAD_SILENCE
        if self.entry.service == "registry":
            return BUILDER_DELAY if self.job == "images" else TOOL_SILENCE
        return SILENCE + 2


def writes(entries: Sequence[Entry], legs: Sequence[LegRun]) -> list[Write]:
    """Find for each write request its leg of the run and its number among its kind."""
    found: list[Write] = []
    for entry in sorted(entries, key=lambda one: one.time):
        leg = _leg_of(entry, legs)
        pattern, title = _pattern(entry.path), _title(entry.path)
        same = [one for one in found if (one.entry.method, one.pattern) == (entry.method, pattern)]
        within = [one for one in same if one.job == leg.leg.key]
        alike = [one for one in found if (one.job, one.title) == (leg.leg.key, title)]
        found.append(
            Write(
                entry,
                leg.leg.label,
                leg.leg.key,
                pattern,
                title,
                len(within) + 1,
                len(same) + 1,
                len(alike) + 1,
            )
        )
    return found


def _leg_of(entry: Entry, legs: Sequence[LegRun]) -> LegRun:
    """Find the leg that was running; of several legs, the one whose image the path names."""
    at_work = [one for one in legs if one.began - 0.01 <= entry.time <= one.ended + 0.01]
    mine = [one for one in at_work if _image(one) and f"_{_image(one)}/" in entry.path]
    return (mine or at_work)[0]


def _image(leg: LegRun) -> str:
    words = leg.leg.stage
    return words[words.index("--name") + 1] if "--name" in words else ""


def _pattern(path: str) -> str:
    """Return the expression for this path in another run: numbers and upload ids differ there."""
    pattern = re.escape(path)
    pattern = re.sub(r"(?<=/releases/)\d+", r"\\d+", pattern)
    pattern = re.sub(r"(?<=/releases/assets/)\d+", r"\\d+", pattern)
    return "^" + re.sub(r"(?<=/blobs/uploads/).+", r"[^/]+", pattern) + "$"


def _title(path: str) -> str:
    """Return a path as a person would say it."""
    short = re.sub(r"^/(api/(v3|uploads)/repos/)?[^/]+/tiny_example/", "", path)
    short = re.sub(r"^/v2/[^/]+/(\w+)/manifests/(sha256:.*)?", _manifest, short)
    short = re.sub(r"^/v2/[^/]+/(\w+)/blobs/uploads/(.*)", _upload, short)
    return re.sub(r"(?<=releases/)\d+", "N", short).strip("/")


def _manifest(found: re.Match[str]) -> str:
    return f"{found[1]} {'by digest' if found[2] else ''}"


def _upload(found: re.Match[str]) -> str:
    return f"{found[1]} {'blob' if found[2] else 'begin of a blob'}"
