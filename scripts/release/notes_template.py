"""Render a project's own template of the notes: Jinja2 in a restricted process.

A sandbox keeps a template away from Python's internals. A separate process keeps it away from the
environment, and limits its time and memory.
"""

import json
import resource
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.core import notes
from scripts.core.errors import Place, ServiceError, TransientError, UsageError
from scripts.core.notes import NotesFacts
from scripts.tools import processes

SECONDS = 10
MEMORY = 1 << 29
"""Bytes that the process may have."""
HINT = "docs/changelog.md names what a template can use"
ROOT = Path(__file__).parents[2]


def render(facts: NotesFacts, template: str, path: str, environment: Mapping[str, str]) -> str:
    """Render the notes by the template, at most `notes.LIMIT` characters.

    Raises UsageError, if possible with the line, for a text that is not a template, an unknown
    name, more than SECONDS or more memory than MEMORY.
    """
    names = {**asdict(facts), "parts": notes.parts(facts), "notes": notes.render(facts)}
    question = json.dumps({"template": template, "names": names})
    command = [sys.executable, "-P", "-m", "scripts.release.notes_template"]
    try:
        answer = processes.run(
            command,
            cwd=ROOT,
            environment={**environment, "PYTHONPATH": str(ROOT)},
            text=question,
            timeout=2 * SECONDS,
        )
    except TransientError as error:
        raise _wrong(path, f"it did not end within {2 * SECONDS} s", 0) from error
    except ServiceError as error:
        raise _wrong(path, f"its rendering was ended: {error.cause}", 0) from error
    said: dict[str, Any] = json.loads(answer)
    if "text" not in said:
        raise _wrong(path, said["cause"], said["line"])
    return notes.shortened(said["text"], notes.LIMIT - 1, notes.more(facts)).rstrip() + "\n"


def _wrong(path: str, cause: str, line: int) -> UsageError:
    return UsageError(f"the template of the notes: {cause}", HINT, Place(path, line))


def main() -> None:
    """Answer the request on stdin; a known failure is an answer too."""
    question = json.load(sys.stdin)
    from jinja2 import StrictUndefined, TemplateError  # noqa: PLC0415 - before the limits
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    world = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    # The same facts must give the same text.
    del world.filters["random"], world.globals["lipsum"]
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        # Written here too: a text that fits may be too long to be written a second time, as JSON.
        text = world.from_string(question["template"]).render(question["names"])
        written = json.dumps({"text": text})
    except MemoryError as error:
        written = json.dumps(
            {"cause": f"it needs more than {MEMORY >> 20} MB", "line": _line(error)}
        )
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        written = json.dumps({"cause": f"{type(error).__name__}: {error}", "line": _line(error)})
    except RecursionError as error:
        written = json.dumps({"cause": "it calls itself without end", "line": _line(error)})
    sys.stdout.write(written)


def _line(error: BaseException) -> int:
    """Find the template's line in a traceback, which Jinja2 makes say it; 0 if it has none."""
    if line := getattr(error, "lineno", None):
        return int(line)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename in ("<template>", "<unknown>")]
    return int(lines[-1] or 0) if lines else 0


if __name__ == "__main__":
    main()
