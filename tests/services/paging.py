"""The page in headless Chromium, as several tests use it, and what npm installs for them."""

import hashlib
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from rehearsal.world.provision import cache_folder, locked
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


def npm_packages():
    """What package-lock.json pins, installed once for each content of it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed on this machine")
    files = [ROOT / "services/web" / name for name in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = cache_folder() / "npm" / digest[:16]
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            install(npm, files, folder)
    return folder


def install(npm, files, folder):
    """Let npm do it in another folder: what is there is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as begun:
        for file in files:
            shutil.copy(file, begun)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=begun, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (Path(begun) / "node_modules").rename(folder)
