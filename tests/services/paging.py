"""The page in headless Chromium, as several tests use it."""

import time
from contextlib import contextmanager

import pytest

from services import browser
from tests.services.running import ROOT

SITE = ROOT / "services/web/site"
STATE = 'document.querySelector("#label").dataset.state'
LABELLED = f'{STATE} === "label"'
NOT_LABELLED = f'{STATE} === "none"'
REASON = 'document.querySelector("#reason").textContent'
DESKTOP = (1280, 860)
SECONDS = 120

needs_chromium = pytest.mark.skipif(
    browser.installed() is None, reason="no Chromium is installed on this machine"
)

GIVE_FILE = """(() => {
  const given = new DataTransfer();
  given.items.add(new File([%s], %s));
  const input = document.querySelector("#file");
  input.files = given.files;
  input.dispatchEvent(new Event("change"));
})()"""


@contextmanager
def opened(url, *, size=DESKTOP, dark=False, script="", flags=()):
    """A tab of a new Chromium, at the page."""
    with browser.browser(browser.installed(), *flags) as tab:
        tab.open(f"{url}/", size=size, dark=dark, script=script)
        wait_until(tab, "document.body?.dataset.state")
        yield tab


@contextmanager
def labelled(url, **options):
    """A tab that shows a label."""
    with opened(url, **options) as tab:
        wait_until(tab, LABELLED)
        yield tab


def wait_until(tab, expression, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not tab.evaluate(expression):
        assert time.monotonic() < deadline, f"never true: {expression}; {tab.errors}"
        time.sleep(0.02)


def press(tab, key, code="", number=0, text=""):
    """Press a key and let it go, as the browser gets it from a keyboard."""
    given = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
    tab.call("Input.dispatchKeyEvent", type="keyDown", text=text, **given)
    tab.call("Input.dispatchKeyEvent", type="keyUp", **given)


def choose(tab, control, value):
    """Set a choice, as a person does."""
    tab.evaluate(
        f"""(() => {{
          const control = document.querySelector("{control}");
          if (control.type === "checkbox") control.checked = {value};
          else control.value = "{value}";
          control.dispatchEvent(new Event("change"));
        }})()"""
    )
