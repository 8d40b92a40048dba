"""Questions to a person about facts that no file of the repository states."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question. Without a default, a person must answer it."""

    key: str
    text: str
    default: str | None = None


class NoAnswerError(Exception):
    """Questions without an answer and without a default."""

    def __init__(self, questions: list[Question]) -> None:
        super().__init__()
        self.questions = questions


def answer(
    questions: list[Question],
    given: Mapping[str, str],
    ask: Callable[[str], str] | None,
) -> dict[str, str]:
    """Answer each question by the given answer, by the person, or by its default.

    `ask` shows a text and reads a line; it is None without a terminal. Raises NoAnswerError.
    """
    said = {one.key: given.get(one.key) or _asked(one, ask) for one in questions}
    if missing := [one for one in questions if not said[one.key]]:
        raise NoAnswerError(missing)
    return said


def _asked(question: Question, ask: Callable[[str], str] | None) -> str:
    hint = f" [{question.default}]" if question.default else ""
    said = ask(f"{question.text}{hint}: ").strip() if ask else ""
    return said or question.default or ""
