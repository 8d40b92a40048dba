"""A project's own notes: what a template can say, and that it can do nothing else."""

import os

import pytest

from scripts.core.errors import UsageError
from scripts.release import notes_template
from tests.core.test_notes import FACTS

HERE = {"PATH": os.environ["PATH"]}


def render(template: str) -> str:
    return notes_template.render(FACTS, template, "notes.md.j2", HERE)


def test_a_template_says_what_it_likes() -> None:
    text = "{{ project }} {{ version }}\n{% for i in images %}\n* {{ i.name }}\n{% endfor %}\n"
    text += "{{ parts.changes }}"
    assert render(text).startswith("stream_pose_ml 0.2.4\n* api\n* web\n## 🚀 New Features")
    assert render("{{ notes }}") == render("{{ notes }}")


@pytest.mark.parametrize(
    ("template", "line", "cause"),
    [
        ("a\n{% if %}", 2, "TemplateSyntaxError"),
        ("a\nb\n{{ nonesuch }}", 3, "UndefinedError: 'nonesuch'"),
        ("\n{{ 1 / 0 }}", 2, "division by zero"),
        ("{{ ''.__class__.__mro__ }}", 1, "SecurityError|UndefinedError"),
        ("{{ version | random }}", 1, "No filter named 'random'"),
        ("{% include '/etc/passwd' %}", 1, "no loader"),
        ("\n{% for i in range(10 ** 9) %}{% endfor %}", 2, "OverflowError"),
        ("{{ 'x' * 10 ** 10 }}", 1, "MB"),
        ("{% for i in [0] %}{{ '\a' * (10 ** 8 + i) }}{% endfor %}", 0, "more than 512 MB"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 1, "without end"),
    ],
)
def test_what_fails_says_where(template: str, line: int, cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as raised:
        render(template)
    assert raised.value.place
    assert (raised.value.place.path, raised.value.place.line) == ("notes.md.j2", line)


def test_a_loop_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes_template, "SECONDS", 1)
    loop = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(UsageError, match=r"did not end|ended"):
        render(loop)


def test_the_limit_is_kept() -> None:
    text = render("{% for i in range(9000) %}- entry {{ i }} of many\n{% endfor %}")
    assert len(text) <= 125_000
    assert "Shortened here" in text
