"""Release notes: the changelog's section, and how to get and verify the release.

They are rendered only from facts that are known before the draft exists, so the same facts give the
same text. They do not mention things that a project does not release.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.core.changelog import Group, groups
from scripts.core.changelog.markdown import covers, scan
from scripts.core.plain import plain

LIMIT = 125_000  # characters that GitHub takes as a release's description
HEADINGS = {
    "added": "🚀 New Features",
    "changed": "🔄 Changes",
    "deprecated": "⏳ Deprecations",
    "removed": "🧹 Removals",
    "fixed": "🔧 Bug Fixes",
    "security": "🔒 Security",
    "infrastructure": "🧱 Infrastructure",
}
SUMS = "SHA256SUMS"
WHOLE = "Check every part of the release, without an account:"
# `**Breaking:** …`, `**BREAKING CHANGE** …`, anywhere in an entry.
_SHOUTED = re.compile(r"\bBREAKING\b|\*\*[^*\n]*\b[Bb]reaking\b[^*\n]*\*\*")


@dataclass(frozen=True)
class Image:
    """An image as it is published: `reference` ends in its version tag, `digest` is its index's."""

    name: str
    reference: str
    digest: str
    platforms: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Platform to download size in bytes: the sum of its compressed layers."""
    before: Mapping[str, int] = field(default_factory=dict)
    """The same for the last release, as far as its images exist."""

    @property
    def short(self) -> str:
        """The reference as people write it, without Docker Hub's host."""
        return self.reference.removeprefix("docker.io/")

    @property
    def pinned(self) -> str:
        """The reference by digest, which always gives the same image."""
        return f"{self.reference.rpartition(':')[0]}@{self.digest}"


@dataclass(frozen=True)
class Dist:
    """A file on the package index; `size` in bytes."""

    filename: str
    sha256: str
    size: int


@dataclass(frozen=True)
class NotesFacts:
    """All facts for release notes. `body` is the changelog's section as a separate text."""

    project: str
    version: str
    tag: str
    date: str
    prerelease: bool
    body: str
    repository_url: str
    previous_tag: str | None = None
    images: tuple[Image, ...] = ()
    dists: tuple[Dist, ...] = ()
    compose_url: str | None = None
    changelog: str = "CHANGELOG.md"
    """Its path; empty where the notes come from the history."""
    contributors: tuple[str, ...] = ()
    newcomers: tuple[str, ...] = ()
    """First-time contributors."""
    extras: tuple[str, ...] = ()
    """Extras of the package that get their own line under Installation."""
    verifier: tuple[str, ...] = ()
    """The words after `python3` that check the whole release, the program's file first."""
    internal: tuple[str, ...] = ("Internal",)
    """Titles of the groups that are not for users: the notes fold them below the others."""

    proof: tuple[tuple[str, str], ...] = ()
    """Lines about security and size, each with its details, which the notes fold."""

    @property
    def downloads(self) -> str:
        """The address of the release's assets, without the file."""
        return f"{self.repository_url}/releases/download/{self.tag}"


def render(facts: NotesFacts) -> str:
    """Write the notes, in Markdown.

    They have at most LIMIT characters: a longer changelog section is cut between two lines, outside
    of code, and a link leads to the rest.
    """
    written = parts(facts)
    first = [written.pop(name) for name in ("candidate", "upgrade", "changes")]
    if sum(map(len, [*first, *written.values()])) > LIMIT // 2:
        written.pop("internal")  # the changelog has all of it, and the entries for users come first
    end = "\n\n".join(part for part in written.values() if part)
    changes = "\n\n".join(part for part in first if part)
    # Even with many contributors, the changelog gets half of the space.
    end = shortened(end, LIMIT // 2, more(facts))
    changes = shortened(changes, LIMIT - len(end) - 3, more(facts))
    return "\n\n".join(part for part in (changes, end) if part) + "\n"


def parts(facts: NotesFacts) -> dict[str, str]:
    """Write the notes' parts in order, by name; a part without content is empty."""
    return {
        "candidate": _candidate(facts),
        "upgrade": _upgrade(facts),
        "changes": _changes(facts),
        "internal": _internal(facts),
        "images": _images(facts),
        "installation": _installation(facts),
        "verification": _verification(facts),
        "proof": "\n\n".join(_folded(*one) for one in facts.proof),
        "contributors": _contributors(facts),
        "comparison": _comparison(facts),
    }


def more(facts: NotesFacts) -> str:
    """Link to the rest of shortened notes."""
    if not facts.changelog:
        where = f"{facts.repository_url}/commits/{facts.tag}"
        return f"*Shortened here: [all of it]({where}) is in the history.*"
    where = f"{facts.repository_url}/blob/{facts.tag}/{facts.changelog}"
    return f"*Shortened here: [all of it]({where}) is in the changelog.*"


def shortened(text: str, limit: int, more: str) -> str:
    """Keep the whole lines that fit into `limit` characters, with `more` below them.

    The text ends before a line that is not nested in another and not in code or HTML.
    """
    if len(text) <= limit:
        return text
    room = max(limit - len(more) - 2, 0)
    hidden = scan(text).hidden
    starts = {lines.span.start for lines in hidden}
    stop = room + 1
    while stop > 0:
        stop = text.rfind("\n", 0, stop) + 1
        nested = text[stop : stop + 1].isspace()
        if not nested and (stop in starts or not covers(hidden, stop)):
            break
        stop -= 1
    lines = text[: max(stop, 0)].rstrip().split("\n")
    while lines and (lines[-1].startswith("#") or not lines[-1].strip()):
        lines.pop()
    return "\n".join([*lines, "", more] if lines else [more])


def _candidate(facts: NotesFacts) -> str:
    if not facts.prerelease:
        return ""
    return (
        f"> [!IMPORTANT]\n> {facts.version} is a candidate, to be tried before the final version. "
        "`latest` stays where it is,\n> and installers take a candidate only by its number."
    )


def _upgrade(facts: NotesFacts) -> str:
    """Collect breaking changes for people who upgrade; they stay in their groups too."""
    found = groups(facts.body.replace("\r\n", "\n"))
    texts = [one for group in found for one in group.entries if _breaks(group, one)]
    if not texts:
        return ""
    since = f" from {facts.previous_tag}" if facts.previous_tag else ""
    head = f"## ⚠️ Upgrade Notes\n\nRead this before you upgrade{since}:"
    return "\n".join([head, "", *texts])


def _breaks(group: Group, entry: str) -> bool:
    titled = re.search(r"\bbreaking\b", group.title, re.IGNORECASE)
    item = entry.startswith(("-", "*", "+"))
    begins = re.match(r"\W*breaking\b", entry, re.IGNORECASE)
    return item and bool(titled or begins or _SHOUTED.search(entry))


def _changes(facts: NotesFacts) -> str:
    """Write the groups for users under headings: the usual ones first, then the others."""
    together: dict[str, list[str]] = {key: [] for key in ("", *HEADINGS)}
    titles: dict[str, str] = {}
    for group in _groups(facts, internal=False):
        key = group.title.casefold()
        titles.setdefault(key, group.title)
        together.setdefault(key, []).append(group.text)
    parts = []
    for key, texts in together.items():
        heading = HEADINGS.get(key, f"📝 {titles.get(key, '')}")
        parts += [f"## {heading}"] * bool(texts and key) + texts
    return "\n\n".join(parts)


def _internal(facts: NotesFacts) -> str:
    """Fold the groups that are not for users."""
    texts = [group.text for group in _groups(facts, internal=True)]
    return _folded("🛠 Internal changes", "\n\n".join(texts)) if texts else ""


def _groups(facts: NotesFacts, *, internal: bool) -> list[Group]:
    titles = {title.casefold() for title in facts.internal}
    found = groups(facts.body.replace("\r\n", "\n"))
    return [group for group in found if (group.title.casefold() in titles) == internal]


def _folded(summary: str, text: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"


def _images(facts: NotesFacts) -> str:
    """List each image's address and, for each platform, its download size."""
    if not facts.images:
        return ""
    known = any(image.sizes for image in facts.images)
    since = f"Since {facts.previous_tag}" if facts.previous_tag else "Difference"
    head = ["Image", "Platform", *(["Download", since] if known else [])]
    rows = [_image_row(image, known=known) for image in facts.images]
    rule = "|".join(["---", "---", *(["--:", "--:"] if known else [])])
    table = [f"| {' | '.join(row)} |" for row in [head, *rows]]
    return "\n".join(["## 🐳 Docker Images", "", table[0], f"|{rule}|", *table[1:]])


def _image_row(image: Image, *, known: bool) -> list[str]:
    """Write one row; where a cell has a line for each platform, all have them in one order."""
    sizes = [megabytes(image.sizes[one]) if one in image.sizes else "" for one in image.platforms]
    grown = [_grown(image, one) if one in image.sizes else "" for one in image.platforms]
    cells = [image.platforms, *([sizes, grown] if known else [])]
    return [f"`{image.short}`", *("<br>".join(lines) for lines in cells)]


def megabytes(size: int) -> str:
    """Write a size in MB, of 1,000,000 bytes, as registries show it."""
    return f"{size / 1e6:,.1f} MB"


def _grown(image: Image, platform: str) -> str:
    if platform not in image.before:
        return "new"
    more = round((image.sizes[platform] - image.before[platform]) / 1e6, 1)
    return f"{more:+,.1f} MB" if more else "unchanged"


def _contributors(facts: NotesFacts) -> str:
    if not facts.contributors:
        return ""
    lines = ["## 👥 Contributors", "", f"Thanks to {', '.join(map(plain, facts.contributors))}."]
    if facts.newcomers:
        lines += ["", f"For the first time: {', '.join(map(plain, facts.newcomers))}. Welcome!"]
    return "\n".join(lines)


def _installation(facts: NotesFacts) -> str:
    parts = []
    if facts.dists:
        extras = [f'pip install "{_requirement(facts, extra)}"' for extra in facts.extras]
        plain_install = f"pip install {_requirement(facts)}"
        parts.append(_shell("The Python package:", [plain_install, *extras]))
    if facts.images and facts.compose_url:
        file = facts.compose_url.rpartition("/")[2]
        commands = [
            f"curl --fail --location --remote-name {facts.compose_url}",
            f"docker compose --file {file} up",
        ]
        parts.append(_shell("All services together, each image pinned by its digest:", commands))
    return "\n\n".join(["## 📦 Installation", *parts]) if parts else ""


def _verification(facts: NotesFacts) -> str:
    """Explain how to check a download with other tools; fold the details."""
    lines, details, folds = list[str](), list[str](), list[str]()
    if facts.verifier:
        lines.append("- **Everything public:** one command compares it with the lock.")
        folds.append(_folded("Verify: one command", _shell(WHOLE, _all(facts))))
    if facts.dists:
        lines.append(f"- **Package:** its hashes are in [`{SUMS}`]({facts.downloads}/{SUMS}).")
        details += [_dists(facts), _shell("Download the package and compare:", _comparing(facts))]
    if facts.images:
        lines.append("- **Images:** the registry shows the digests below.")
        inspect = [f"docker buildx imagetools inspect {image.short}" for image in facts.images]
        details += [_digests(facts), _shell("Show the digests in the registry:", inspect)]
    if not lines:
        return ""
    if file := SUMS if facts.dists else (facts.compose_url or "").rpartition("/")[2]:
        asset = f"gh release verify-asset {facts.tag} {file} --repo {facts.repository_url}"
        lines.append(f"- **Assets** of immutable releases: `{asset}`")
    if details:
        folds.append(_folded("Hashes, digests and commands", "\n\n".join(details)))
    return "\n\n".join(["## ✅ How to Verify", "\n".join(lines), *folds])


def _all(facts: NotesFacts) -> list[str]:
    return [
        f"curl --fail --location --remote-name {facts.downloads}/{facts.verifier[0]}",
        f"python3 {' '.join(facts.verifier)}",
    ]


def _dists(facts: NotesFacts) -> str:
    rows = [f"| `{dist.filename}` | `{dist.sha256}` | {dist.size:,} |" for dist in facts.dists]
    return "\n".join(["| File | SHA-256 | Bytes |", "|---|---|--:|", *rows])


def _digests(facts: NotesFacts) -> str:
    rows = [f"| `{image.short}` | `{image.digest}` |" for image in facts.images]
    return "\n".join(["| Image | Digest |", "|---|---|", *rows])


def _comparing(facts: NotesFacts) -> list[str]:
    return [
        f"pip download --no-deps {_requirement(facts)}",
        f"curl --fail --location --remote-name {facts.downloads}/{SUMS}",
        f"sha256sum --check --ignore-missing {SUMS}",
    ]


def _comparison(facts: NotesFacts) -> str:
    if facts.previous_tag is None:
        return f"**All commits**: {facts.repository_url}/commits/{facts.tag}"
    span = f"{facts.previous_tag}...{facts.tag}"
    return f"**All changes**: [{span}]({facts.repository_url}/compare/{span})"


def _requirement(facts: NotesFacts, extra: str = "") -> str:
    return f"{facts.project}{f'[{extra}]' if extra else ''}=={facts.version}"


def _shell(what: str, commands: list[str]) -> str:
    return "\n".join([what, "", "```bash", *commands, "```"])
