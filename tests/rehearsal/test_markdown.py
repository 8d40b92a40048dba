"""Markdown as GitHub shows it, and nothing in it that runs."""

import pytest
from bs4 import BeautifulSoup

from rehearsal.markdown import rendered


def soup(text: str) -> BeautifulSoup:
    return BeautifulSoup(rendered(text), "html.parser")


@pytest.mark.parametrize("text", ["<!-- hidden -->\n", "one <!-- hidden --> two", "<!-- hid\nden"])
def test_a_comment_is_not_shown(text: str) -> None:
    assert "hid" not in rendered(text)


def test_details_fold() -> None:
    page = soup("<details>\n<summary>All of it</summary>\n\n- **one**\n\n</details>\n\nafter\n")
    assert page.details is not None
    assert page.details.summary is not None
    assert page.details.summary.text == "All of it"
    assert page.details.strong is not None
    assert "after" not in page.details.text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>\n",
        "a <img src=x onerror=alert(1)> b\n",
        "<details ontoggle=alert(1)>\n<summary onclick=x>a</summary>\n",
        "<details>\n<summary><b onclick=x>a</b></summary>\n</details>\n",
        "<!-- a --><script>alert(1)</script>\n",
        "[bad](javascript:alert(1))\n",
    ],
)
def test_other_html_is_shown_and_not_used(text: str) -> None:
    page = soup(text)
    assert not page.find_all(["script", "img", "b", "a"])
    assert not [tag for tag in page.find_all(["details", "summary"]) if tag.attrs]


@pytest.mark.parametrize("kind", ["Note", "Tip", "Important", "Warning", "Caution"])
def test_an_alert_has_its_title(kind: str) -> None:
    page = soup(f"> [!{kind.upper()}]\n> To be **tried**.\n")
    alert = page.select_one(f"blockquote.alert.{kind.lower()}")
    assert alert is not None
    assert alert.p is not None
    assert alert.p.text == kind
    assert "To be tried." in alert.text
    assert "[!" not in alert.text


def test_an_ordinary_quote_is_no_alert() -> None:
    assert 'class="alert' not in rendered("> said [!NOTE]\n")


def test_a_long_word_of_a_table_folds_at_its_joints() -> None:
    digest = "0123456789abcdef" * 4
    text = rendered(
        f"| a |\n|---|\n| `docker.io/some_one/image:v0.2.4` |\n| {digest} |\n| short |\n"
    )
    assert "<code>docker.<wbr>io/<wbr>some_<wbr>one/<wbr>image:<wbr>v0.2.4</code>" in text
    assert "<wbr>".join(["0123456789abcdef"] * 4) in text
    assert "<td>short</td>" in text
    assert "<wbr>" not in rendered("`docker.io/some_one/image:v0.2.4`")


def test_a_wide_table_can_be_scrolled_from_the_keyboard() -> None:
    wide = soup("| a |\n|--:|\n| b<br>c |\n").select_one("div.wide")
    assert wide is not None
    assert wide["tabindex"] == "0"
    assert wide["role"] == "region"
    assert wide["aria-label"]
    assert wide.br is not None
    assert not [tag for tag in wide.find_all() if tag.has_attr("style")]
