"""The changelog: check it, cut the release's section, read a section back.

Every function takes a text and returns one, edited by positions. Only the new section changes; all
other bytes stay. Callers must not translate line endings or remove a byte order mark.
"""

from scripts.core.changelog.cutting import cut
from scripts.core.changelog.drafting import draft, insert, preview, with_unreleased
from scripts.core.changelog.groups import Group, groups
from scripts.core.changelog.problems import oddities, problems
from scripts.core.changelog.reading import excerpt, section
from scripts.core.changelog.sections import Changelog, Section, parse
from scripts.core.changelog.yanking import is_yanked, yank

__all__ = [
    "Changelog",
    "Group",
    "Section",
    "cut",
    "draft",
    "excerpt",
    "groups",
    "insert",
    "is_yanked",
    "oddities",
    "parse",
    "preview",
    "problems",
    "section",
    "with_unreleased",
    "yank",
]
