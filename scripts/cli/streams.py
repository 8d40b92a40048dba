"""Filter secrets out of a verb's output."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO


class Cleaned:
    """A stream whose text goes through a filter; everything else is the stream's own."""

    def __init__(self, stream: TextIO, clean: Callable[[str], str]) -> None:
        self._stream, self._clean = stream, clean

    def write(self, text: str) -> int:
        """Write the filtered text in the stream's encoding."""
        encoding = self._stream.encoding or "utf-8"
        shown = self._clean(text).encode(encoding, "backslashreplace").decode(encoding)
        self._stream.write(shown)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def cleaned(clean: Callable[[str], str]) -> Iterator[None]:
    """Filter standard output and standard error until the end of the block."""
    out: Any = Cleaned(sys.stdout, clean)
    err: Any = Cleaned(sys.stderr, clean)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield
