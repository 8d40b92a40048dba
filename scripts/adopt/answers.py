"""What a person is asked, because no file of the repository says it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One thing to be known. Without a default somebody has to say it."""

    key: str
    text: str
    default: str | None = None


class NoAnswerError(Exception):
    """A question that nobody answered, and that has no default."""


def answer(
    questions: list[Question],
    given: Mapping[str, str],
    ask: Callable[[str], str] | None,
) -> dict[str, str]:
    """Answer each question: as it was given, or as somebody types it, or by its default.

    `ask` shows a text and reads a line; it is None where nobody is there. Raises NoAnswerError
    with the question's key.
    """
    return {one.key: given.get(one.key) or _asked(one, ask) for one in questions}


def _asked(question: Question, ask: Callable[[str], str] | None) -> str:
    hint = f" [{question.default}]" if question.default else ""
    said = ask(f"{question.text}{hint}: ").strip() if ask else ""
    if not (said or question.default):
        raise NoAnswerError(question.key)
    return said or str(question.default)
