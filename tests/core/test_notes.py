"""Release notes: StreamPoseML's layout, nothing but what is released, within GitHub's limit."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scripts.core import changelog
from scripts.core.notes import LIMIT, Dist, Image, NotesFacts, render, shortened
from tests.core.changelogs import real

DIGEST = "sha256:" + "a1" * 32
SHA = "b2" * 32
FACTS = NotesFacts(
    project="stream_pose_ml",
    version="0.2.4",
    tag="v0.2.4",
    date="2025-09-01",
    prerelease=False,
    body="### Fixed\n\n- A crash.\n\n### Added\n\n- A thing.\n  - in detail",
    repository_url="https://github.com/mrilikecoding/StreamPoseML",
    previous_tag="v0.2.3",
    images=(
        Image(
            "api", "mrilikecoding/stream_pose_ml_api:v0.2.4", DIGEST, ("linux/amd64", "linux/arm64")
        ),
        Image("web", "localhost:5000/o/web:v0.2.4", DIGEST, ("linux/amd64",)),
    ),
    dists=(Dist("stream_pose_ml-0.2.4-py3-none-any.whl", SHA, 12345),),
    compose_url="https://github.com/mrilikecoding/StreamPoseML/releases/download/v0.2.4/compose.yaml",
)


def headings(text: str) -> list[str]:
    tokens = MarkdownIt().parse(text)
    return [tokens[at + 1].content for at, t in enumerate(tokens) if t.type == "heading_open"]


def commands(text: str) -> list[str]:
    fences = [token for token in MarkdownIt().parse(text) if token.type == "fence"]
    return [line for fence in fences for line in fence.content.splitlines()]


def test_the_layout() -> None:
    assert headings(render(FACTS)) == [
        "🚀 New Features",
        "🔧 Bug Fixes",
        "🐳 Docker Images",
        "📦 Installation",
        "✅ How to Verify",
    ]


def test_entries_are_the_changelogs_own_text() -> None:
    assert "## 🚀 New Features\n\n- A thing.\n  - in detail\n\n## 🔧 Bug Fixes\n\n- A crash.\n" in (
        render(FACTS)
    )


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("Added", "🚀 New Features"),
        ("changed", "🔄 Changes"),
        ("Deprecated", "⏳ Deprecations"),
        ("Removed", "🧹 Removals"),
        ("Fixed", "🔧 Bug Fixes"),
        ("Security", "🔒 Security"),
        ("Infrastructure", "🧱 Infrastructure"),
        ("Acknowledgements", "📝 Acknowledgements"),
    ],
)
def test_every_group_has_its_heading(title: str, heading: str) -> None:
    assert headings(render(replace(FACTS, body=f"### {title}\n\n- x")))[0] == heading


def test_what_stands_above_the_groups_comes_first_and_equal_groups_are_one() -> None:
    body = "Words.\n\n### Fixed\n\n- a\n\n### Odd\n\n- o\n\n### Fixed\n\n- b"
    notes = render(replace(FACTS, body=body))
    assert notes.startswith("Words.\n\n## 🔧 Bug Fixes\n\n- a\n\n- b\n\n## 📝 Odd\n\n- o\n\n## 🐳")


def test_images_are_one_table_and_docker_hub_is_understood() -> None:
    sizes = {"linux/amd64": 203_000_000, "linux/arm64": 198_100_000}
    hub = Image(
        "api",
        "docker.io/mrilikecoding/stream_pose_ml_api:v0.2.4",
        DIGEST,
        ("linux/amd64", "linux/arm64"),
        sizes,
        {"linux/amd64": 201_500_000},
    )
    notes = render(replace(FACTS, images=(hub, FACTS.images[1])))
    table = [
        "| Image | Platform | Download | Since v0.2.3 |",
        "|---|---|--:|--:|",
        "| `mrilikecoding/stream_pose_ml_api:v0.2.4` | linux/amd64<br>linux/arm64 "
        "| 203.0 MB<br>198.1 MB | +1.5 MB<br>new |",
        "| `localhost:5000/o/web:v0.2.4` | linux/amd64 |  |  |",
    ]
    assert "\n".join(["", *table, ""]) in notes
    assert "docker.io" not in notes
    assert notes.count("🐳") == 1
    assert FACTS.images[1].pinned == f"localhost:5000/o/web@{DIGEST}"


def test_images_of_unknown_size_are_told_without_columns_for_it() -> None:
    assert "\n| Image | Platform |\n|---|---|\n| `mrilikecoding/" in render(FACTS)


def test_what_is_not_for_users_is_folded_below_the_rest() -> None:
    body = "### Internal\n\n- CI.\n\n### Added\n\n- A thing.\n\n### development\n\n- Lint."
    notes = render(replace(FACTS, body=body, internal=("Internal", "Development")))
    assert notes.startswith("## 🚀 New Features\n\n- A thing.\n\n<details>\n<summary>🛠 Internal")
    assert "\n\n- CI.\n\n- Lint.\n\n</details>\n\n## 🐳" in notes
    assert headings(notes)[:2] == ["🚀 New Features", "🐳 Docker Images"]


def test_an_extra_has_a_line_of_its_own() -> None:
    notes = render(replace(FACTS, extras=("learn",)))
    assert commands(notes)[:2] == [
        "pip install stream_pose_ml==0.2.4",
        'pip install "stream_pose_ml[learn]==0.2.4"',
    ]


def test_verification_is_three_lines_and_the_details_are_folded() -> None:
    text = render(FACTS)
    part = text[text.index("## ✅") : text.index("<details>")]
    assert [line[:6] for line in part.splitlines()[2:] if line] == ["- **Pa", "- **Im", "- **As"]
    url = FACTS.repository_url
    assert f"`gh release verify-asset v0.2.4 SHA256SUMS --repo {url}`" in part
    folded = text[text.index("<details>") : text.index("</details>")]
    assert f"| `mrilikecoding/stream_pose_ml_api:v0.2.4` | `{DIGEST}` |" in folded


def test_the_command_that_checks_everything_comes_first() -> None:
    words = ("verify.py", FACTS.repository_url, "v0.2.4", "--index https://index.example/simple/")
    text = render(replace(FACTS, verifier=words))
    where = f"{FACTS.repository_url}/releases/download/v0.2.4/verify.py"
    assert commands(text)[3:5] == [
        f"curl --fail --location --remote-name {where}",
        f"python3 verify.py {FACTS.repository_url} v0.2.4 --index https://index.example/simple/",
    ]
    assert "- **Everything public:** one command" in text
    assert "<summary>Verify: one command</summary>" in text
    assert not {"Everything public", "Verify: one command"} & set(render(FACTS).split("\n"))


def test_commands_to_install_and_to_verify() -> None:
    url = "https://github.com/mrilikecoding/StreamPoseML"
    assert commands(render(FACTS)) == [
        "pip install stream_pose_ml==0.2.4",
        f"curl --fail --location --remote-name {url}/releases/download/v0.2.4/compose.yaml",
        "docker compose --file compose.yaml up",
        "pip download --no-deps stream_pose_ml==0.2.4",
        f"curl --fail --location --remote-name {url}/releases/download/v0.2.4/SHA256SUMS",
        "sha256sum --check --ignore-missing SHA256SUMS",
        "docker buildx imagetools inspect mrilikecoding/stream_pose_ml_api:v0.2.4",
        "docker buildx imagetools inspect localhost:5000/o/web:v0.2.4",
    ]
    assert f"| `stream_pose_ml-0.2.4-py3-none-any.whl` | `{SHA}` | 12,345 |" in render(FACTS)


def test_a_project_without_images_hears_nothing_of_them() -> None:
    notes = render(replace(FACTS, images=()))
    assert "docker" not in notes.lower()
    assert "compose" not in notes
    assert "pip install" in notes


def test_a_project_without_a_package_hears_nothing_of_one() -> None:
    notes = render(replace(FACTS, dists=()))
    assert "pip" not in notes
    assert "SHA" not in notes
    assert "gh release verify-asset v0.2.4 compose.yaml" in notes


def test_a_project_with_neither_has_its_changes_and_the_comparison() -> None:
    notes = render(replace(FACTS, dists=(), images=(), compose_url=None))
    assert headings(notes) == ["🚀 New Features", "🔧 Bug Fixes"]
    assert notes.endswith("/compare/v0.2.3...v0.2.4)\n")


def test_the_first_release_links_to_its_commits() -> None:
    assert render(replace(FACTS, previous_tag=None)).endswith("/StreamPoseML/commits/v0.2.4\n")


def test_a_candidate_says_what_it_is() -> None:
    notes = render(replace(FACTS, version="0.3.0rc1", prerelease=True))
    assert notes.startswith("> [!IMPORTANT]\n> 0.3.0rc1 is a candidate")
    assert "candidate" not in render(FACTS)


def test_the_same_facts_give_the_same_text() -> None:
    assert render(FACTS) == render(replace(FACTS))


@pytest.mark.parametrize("path", real())
def test_every_section_of_real_changelogs_makes_notes(path: Path) -> None:
    text = path.read_bytes().decode()
    for part in [part for part in changelog.parse(text).sections if part.version][:10]:
        body = changelog.excerpt(text, part)
        notes = render(replace(FACTS, body=body))
        assert len(notes) <= LIMIT
        words = re.sub(r"^#+ .*$", "", body, flags=re.M).split()
        assert not [word for word in words if word not in notes]


@pytest.mark.parametrize(("over", "kept"), [(0, True), (1, False)])
def test_notes_of_the_greatest_length_are_not_shortened(over: int, kept: bool) -> None:
    short = render(replace(FACTS, body="### Added\n\n- x"))
    entry = "x" * (1 + LIMIT - len(short) + over)
    notes = render(replace(FACTS, body=f"### Added\n\n- {entry}"))
    assert (entry in notes) is kept
    assert (len(notes) == LIMIT) is kept


def test_long_notes_are_shortened_and_keep_the_rest_of_the_layout() -> None:
    body = "### Added\n\n" + "".join(f"- Entry {n}: {'x' * 80}\n" for n in range(3000))
    notes = render(replace(FACTS, body=body))
    assert LIMIT - 200 < len(notes) <= LIMIT
    assert headings(notes)[1:] == ["🐳 Docker Images", "📦 Installation", "✅ How to Verify"]
    assert "StreamPoseML/blob/v0.2.4/CHANGELOG.md" in notes
    last = [line for line in notes.splitlines() if line.startswith("- Entry")][-1]
    assert last.endswith("x" * 80)


blocks = st.sampled_from(
    [
        "- entry",
        "- entry\n  - nested\n  - nested",
        "```\ncode\n\ncode\n```",
        "- entry\n\n      ```\n      code\n      ```",
        "<details>\n\nx\n\n</details>",
        "<!--\nx\n\ny\n-->",
        "## Heading",
        "word " * 20,
    ]
)


@given(st.lists(blocks, max_size=12), st.integers(10, 400))
def test_a_text_is_shortened_between_lines_and_never_in_code(parts: list[str], limit: int) -> None:
    text = "\n\n".join(parts)
    short = shortened(text, limit, "MORE")
    if short == text:
        return
    kept = short.removesuffix("MORE").rstrip("\n")
    assert len(short) <= limit
    assert text.startswith(kept)
    assert text[len(kept) :].lstrip(" ").startswith("\n") or not kept
    assert kept.count("```") % 2 == 0
    assert kept.count("<!--") == kept.count("-->")
    assert not kept.splitlines() or not kept.splitlines()[-1].startswith("#")


def test_what_fits_is_not_touched() -> None:
    assert shortened("- a\n- b", 7, "MORE") == "- a\n- b"
    assert shortened("- a\n- b\n- c", 9, "MORE") == "- a\n\nMORE"
    assert shortened("- " + "a" * 50, 20, "MORE") == "MORE"
    assert shortened(" - " + "a" * 50, 20, "MORE") == "MORE"


@pytest.mark.parametrize("limit", range(5, 60))
def test_as_many_lines_are_kept_as_fit(limit: int) -> None:
    kept = max(n for n in range(13) if not n or len("- a\n" * n) + 5 <= limit)
    rest = "- a\n" * kept + "\nMORE" if kept else "MORE"
    text = "\n".join(["- a"] * 12)
    assert shortened(text, limit, "MORE") == (text if limit >= len(text) else rest)


def test_without_any_room_no_line_is_kept() -> None:
    assert shortened("a\n" + "b" * 9, 0, "MORE") == "MORE"


def test_the_sizes_of_a_first_release_are_compared_with_nothing() -> None:
    image = replace(FACTS.images[0], sizes={"linux/amd64": 203_000_000})
    notes = render(replace(FACTS, images=(image,), previous_tag=None))
    assert "| Image | Platform | Download | Difference |" in notes
    assert "None" not in notes


@pytest.mark.parametrize(("tag", "said"), [("v0.2.3", " from v0.2.3"), (None, "")])
def test_upgrade_notes_say_from_where_one_upgrades(tag: str | None, said: str) -> None:
    body = "### Changed\n\n- **Breaking:** Say it otherwise.\n"
    notes = render(replace(FACTS, body=body, previous_tag=tag))
    assert f"\nRead this before you upgrade{said}:\n" in notes


def test_who_contributes_for_the_first_time_is_welcomed() -> None:
    text = render(replace(FACTS, contributors=("Ann", "Ben"), newcomers=("Ben",)))
    assert "Thanks to Ann, Ben.\n\nFor the first time: Ben. Welcome!" in text
    assert "first time" not in render(replace(FACTS, contributors=("Ann", "Ben")))
