"""The browser of the tests and of the acceptance loads a page again if a network change cut it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services import browser
from tests.services.paging import needs_chromium

pytestmark = needs_chromium


class Page(BaseHTTPRequestHandler):
    """A page that writes Chromium's message for a changed network, for as often as it is told."""

    def do_GET(self):
        server = self.server
        server.loads += self.path == "/"
        text = f"net::{browser.CHANGED}" if server.loads <= server.cut else "another error"
        body = f"<link rel=icon href=data:,><script>console.error('{text}')</script>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(("cut", "loads"), [(0, 1), (2, 3), (99, browser.LOADS)])
def test_a_page_that_a_network_change_cut_is_loaded_again(cut, loads):
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.cut, server.loads = cut, 0
        threading.Thread(target=server.serve_forever).start()
        try:
            with browser.browser(browser.installed()) as tab:
                tab.open(f"http://127.0.0.1:{server.server_port}/", size=(800, 600), dark=False)
                assert server.loads == loads
                assert len(tab.errors) == 1
        finally:
            server.shutdown()
