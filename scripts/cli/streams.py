"""Filter secrets out of a verb's output, and go on if nobody reads it."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

NAMES = {"<stdout>": "standard output", "<stderr>": "standard error"}


class Cleaned:
    """A stream whose text goes through a filter; everything else is the stream's own.

    When a reader closes its end of a pipe (`| head -1`), the rest of the text is dropped: a release
    must not end halfway because of that. If the text cannot be written for another reason, `write`
    and `flush` raise an OSError with the stream's name.
    """

    def __init__(self, stream: TextIO, clean: Callable[[str], str]) -> None:
        self._stream, self._clean = stream, clean

    def write(self, text: str) -> int:
        """Write the filtered text in the stream's encoding."""
        encoding = self._stream.encoding or "utf-8"
        shown = self._clean(text).encode(encoding, "backslashreplace").decode(encoding)
        with self._dropped():
            self._stream.write(shown)
        return len(text)

    def flush(self) -> None:
        """Write what the stream still holds back."""
        with self._dropped():
            self._stream.flush()

    @contextlib.contextmanager
    def _dropped(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.filename:
                raise
            # What the stream still holds goes to the null device, also when the process ends.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
            if not isinstance(error, BrokenPipeError):
                name = NAMES.get(self._stream.name, self._stream.name)
                raise OSError(error.errno, error.strerror, name) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def cleaned(clean: Callable[[str], str]) -> Iterator[None]:
    """Filter standard output and standard error until the end of the block."""
    out: Any = Cleaned(sys.stdout, clean)
    err: Any = Cleaned(sys.stderr, clean)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield


def ended(act: Callable[[], int]) -> int:
    """Do what a process does, and give its exit code: 2 if its output cannot be written."""
    with cleaned(str):
        try:
            code = _code(act)
            sys.stdout.flush()
        except OSError as error:
            if error.filename not in NAMES.values():
                raise
            print(f"{error.filename}: {error.strerror}", file=sys.stderr)
            code = 2
        sys.stderr.flush()
        return code


def _code(act: Callable[[], int]) -> int:
    try:
        return act()
    except SystemExit as error:
        return int(error.code or 0)
