"""Changes that a draft omits: programs' work, release commits, and empty subjects."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

BOTS = (
    "*[bot]",
    "*-bot",
    "* bot",
    "dependabot",
    "dependabot-preview",
    "renovate",
    "pre-commit-ci",
    "pre-commit.ci",
    "github-actions",
    "github actions",
    "copilot*",
    "greenkeeper",
    "allcontributors",
    "weblate",
    "hosted weblate",
)
"""Names of programs; the others are people."""
SUBJECTS = (
    "{version}",
    "version {version}",
    "release {version}",
    "release version {version}",
    "release of {version}",
    "prepare {version}",
    "prepare for {version}",
    "prepare version {version}",
    "prepare*release*",
    "preparing*release*",
    "start {version}",
    "start version {version}",
    "begin {version}",
    "tag {version}",
    "bump to {version}",
    "bump version*",
    "bump the version*",
    "update version to {version}",
    "set version to {version}",
    "version bump*",
    "draft the changelog",
    "changelog for {version}",
    "* changelog for {version}",
    "back to development*",
    "start*development*",
    "begin*development*",
    "* dev version",
    "dev version*",
    "post-release*",
    "post release*",
    "fixup!*",
    "squash!*",
    "amend!*",
    "wip",
    "wip:*",
    "wip *",
    "[wip]*",
    "initial plan",
    "*pre-commit autoupdate*",
    "merge branch *",
)
"""Subjects of commits that are made for a release, or on the way to a change."""
FORMS = {"*": ".*", "{version}": r"v?\d+(?:\.(?:\d+|x))+(?:[-.+_]?[a-z]{1,6}[-.]?\d*){0,3}"}

_SMALL = {
    "a",
    "an",
    "and",
    "the",
    "of",
    "in",
    "for",
    "to",
    "with",
    "from",
    "some",
    "few",
    "more",
    "two",
}
# A subject with only these words tells a user nothing.
_VAGUE_WORDS = """\
new minor small various trivial tiny last again missing unused old broken failing flaky typo
typos spelling grammar wording whitespace ws formatting format reformat lint linting linter lints
pep flake black ruff isort mypy pyright pylint codespell prettier typing tox test tests testing
unittest unittests coverage case cases fixture fixtures consistency changelog changelogs news
readme docs doc docstring docstrings documentation comment comments fix fixes fixed fixing update
updates updated updating add adds added adding remove removes removed cleanup clean cleaned up
cleaning tidy tweak tweaks tweaked improve improved improvement improvements refine refinement
refinements refactor refactoring refactored polish simplify bump bumps merge conflict conflicts
rebase wip temp tmp debug revert reverted undo oops whoops misc nit nits finding findings feedback
review suggestions address ci cd build builds travis workflow workflows pipeline github actions
action pre commit precommit hook hooks config version versions release releases date dates line
lines entry entries headline section sections link links badge badges step steps notes
dependencies dependency deps dev requirements lockfile lock file files code style stuff things
work import imports order indent bug bugs issue issues error errors contributor contributors
contributing authors resolve resolved quality warning warnings sponsor sponsors sponsorship faq
faqs md rst txt toml yml yaml cfg py
"""
_DO = (
    r"(?:(?:add|adjust|amend|clarif|clean|complet|correct|creat|delet|disabl|drop|enabl|expand|"
    r"extend|extract|fix|improv|includ|mention|mov|polish|prepar|refactor|reformat|remov|renam|"
    r"restor|rewrit|rework|run|simplif|skip|split|sync|tid|tweak|typo|unif|updat)\w*\s+(?:up\s+)?)"
)
_SUCH = (
    r"(?:(?:a|an|the|some|few|more|new|empty|missing|minor|small|outdated|stale|broken|failing|"
    r"flaky|regression|unit|integration|functional|additional|extra|basic|simple|several|dead)\s+)"
)
_DOCUMENTS = (
    r"(?:docs?|documentation|readme(?:\.\w+)?|changes?\.\w+|changelog(?:\.\w+)?|"
    r"(?:release|upgrade) notes|[\w/-]+\.(?:md|rst)|docstrings?(?= (?:for|of|to)\b))"
)
_TESTS = r"(?:tests|test (?:cases?|coverage|suite|files?|data|for|of|that|on|with)|testcases?)"
_NOT_OF_A_THING = r"(?![\w-]|\s+(?:clients?|runner|ui|urls?|pars|render|generat|server|mode)\w*)"
_TYPOS = rf"(?:{_DO}{_SUCH}*|\w+\s+)?typos?\b(?! suggest)|(?:fix|correct)\w*\s.*\btypos?\b"
_ABOUT_ITSELF = (
    rf"(?:{_DO}?{_SUCH}*(?:{_DOCUMENTS}|{_TESTS}){_NOT_OF_A_THING}"
    # Subjects that GitHub's editor proposes.
    r"|(?:update|create|delete|rename) \S+\.(?-i:[a-z0-9]{1,6})$"
    r"|document(?:s|ed|ing)? (?:that|how|the|why|when|where|what|which|using|use|an?|all|missing)\b"
    r"|(?:clarif|expand|updat)\w* .*\bdocstrings?\b(?! \w+ing\b)"
    r"|(?:add|correct)\w* .*\bdocstrings?(?: (?:of|for)\b|$)"
    r"|(?:pep ?8|flake8|pylint)\b|add(?:s|ed)? (?:an? )?tests? to\b"
    r"|.*\bchangelog (?:entry|entries|lines?|links?|headline|sections?)\.?$"
    r"|.*\b(?:docs|documentation|readme(?:\.\w+)?|tests?|test suite)\.?$"
    r"|.*\b(?:in|to|of|from|on) (?:the )?"
    r"(?:(?:\w+ )?changelog(?:\.\w+)?|[\w-]+\.(?:md|rst)|CI)\.?$)"
)
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 300
"""Characters of a subject that are checked."""


def is_bot(name: str, bots: Sequence[str] = BOTS) -> bool:
    """Tell whether a name is a program's, or empty; `bots` are as in the configuration."""
    return not name or _is_one_of(name, tuple(bots))


def is_left_out(title: str, subjects: Sequence[str] = SUBJECTS) -> bool:
    """Tell whether a title is one of the configured subjects to omit."""
    return _is_one_of(title.strip(" .!"), tuple(subjects))


def says_nothing(title: str) -> bool:
    """Tell whether a title names nothing specific, or only corrects a text."""
    title = title[:_LONGEST]
    found = _WORD.findall(title.lower())
    words = set(found) - _SMALL
    empty = words <= _vague() and (bool(words) or not found)
    # An issue's number names a thing: `Fix #12`.
    return (empty and "#" not in title) or (
        "ypo" in title and _compiled(_TYPOS).match(title) is not None
    )


def is_about_itself(title: str) -> bool:
    """Tell whether a title is about the project's own texts and tests."""
    return _compiled(_ABOUT_ITSELF).match(title[:_LONGEST]) is not None


def _is_one_of(text: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a text matches a pattern, where `*` and `{version}` match any text."""
    text = text[:_LONGEST].casefold()
    starts, anywhere = _starts(patterns)
    if not text.startswith(starts):
        patterns = anywhere
    return any(
        text.startswith(_start(one)) and _expression(one).fullmatch(text) for one in patterns
    )


@lru_cache
def _starts(patterns: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the starts of patterns, and the patterns that can begin with any text."""
    starts = tuple(start for one in patterns if (start := _start(one)))
    return starts, tuple(one for one in patterns if not _start(one))


@cache
def _start(pattern: str) -> str:
    return re.split(r"\*|\{version\}", pattern)[0].casefold()


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*|\{version\})", pattern.casefold())
    return re.compile("".join(FORMS.get(part) or re.escape(part) for part in parts), re.DOTALL)


@cache
def _vague() -> frozenset[str]:
    return frozenset(_VAGUE_WORDS.split())


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    """Compile one of the long expressions with its first use: most verbs need none of them."""
    return re.compile(expression, re.IGNORECASE)
