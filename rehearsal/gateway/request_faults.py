"""Faults on requests: the request, its number, and the fault.

The rules are a JSON list in a file of the world's folder, read again whenever it changes:

    [{"service": "registry", "method": "PUT", "path": "/manifests/", "occurrence": 2,
      "action": "status", "code": 503, "headers": {"Retry-After": "1"}}]

Every key but `action` may be left out: `service` and `method` then match all, `path` (a regular
expression that may match anywhere in the path) too, and without `occurrence` (from 1) every
matching request is struck. Actions: `status` (`code`, `headers`), `drop-before` and `drop-after`
(the connection ends before or after the request took effect), `reset` (it ends before, with a
reset in place of an orderly end), `delay` (`seconds`), `truncate`
(half of the answer's body, then the connection ends), `lag` (for `seconds` after the first request
that writes to the service, what is read there is not found).
"""

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from scripts.core.errors import UsageError

ACTIONS = ("status", "drop-before", "drop-after", "reset", "delay", "truncate", "lag")
READING = ("GET", "HEAD")


@dataclass(frozen=True)
class Fault:
    """One rule, as in the file."""

    action: str
    service: str = ""
    method: str = ""
    path: str = ""
    occurrence: int = 0
    code: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0

    def matches(self, service: str, method: str, path: str) -> bool:
        """Tell whether the rule matches this request, for any occurrence."""
        if self.service not in ("", service) or self.method not in ("", method):
            return False
        return re.search(self.path, path) is not None


def parse(text: str) -> list[Fault]:
    """Read the rules; raises UsageError for an invalid rule."""
    try:
        return [_fault(item) for item in json.loads(text or "[]")]
    except (ValueError, TypeError, re.error) as error:
        raise UsageError(
            f"cannot read the faults: {error}",
            "write a list of rules, as in rehearsal/gateway/request_faults.py",
        ) from error


def _fault(item: dict[str, Any]) -> Fault:
    unknown = set(item) - {one.name for one in fields(Fault)}
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    fault = Fault(**({"code": 404} if item.get("action") == "lag" else {}) | item)
    if fault.action not in ACTIONS:
        raise ValueError(f"unknown action {fault.action!r}, expected one of {', '.join(ACTIONS)}")
    re.compile(fault.path)
    return fault


class Faults:
    """The rules of a file and how often each has matched since it appeared there."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._written: dict[str, float] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._rules: list[Fault] = []
        self._seen: dict[str, int] = {}

    def strike(self, service: str, method: str, path: str) -> Fault | None:
        """Count the request and return its fault, if there is one."""
        self._refresh()
        struck = None
        if self._rules and method not in READING:
            self._written.setdefault(service, self._clock())
        for rule in self._rules:
            if rule.matches(service, method, path) and self._is_time(rule, service, method):
                count = self._seen.get(repr(rule), 0) + 1
                self._seen[repr(rule)] = count
                if struck is None and rule.occurrence in (0, count):
                    struck = rule
        return struck

    def _is_time(self, rule: Fault, service: str, method: str) -> bool:
        if rule.action != "lag":
            return True
        written = self._written.get(service, -math.inf)
        return method in READING and self._clock() - written < rule.seconds

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except FileNotFoundError:
            self._stamp, self._rules, self._seen, self._written = None, [], {}, {}
            return
        if stamp != self._stamp:
            self._rules = parse(self._path.read_text())
            self._seen = {repr(r): self._seen.get(repr(r), 0) for r in self._rules}
            self._stamp = stamp
