"""The figures and the pages in Firefox, a second browser engine, driven by WebDriver BiDi."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pages
import pytest
from programs import running
from test_widgets_browser import DRAWN, KINDS, write_page

pytestmark = pytest.mark.browser
ARROW_LEFT, ARROW_RIGHT = "\ue012", "\ue014"  # as WebDriver names the keys
SEEN = """[...document.querySelectorAll('.dsf-live > :not(.dsf-controls)')]
            .map(node => node.outerHTML).join('')"""


class Firefox:
    """One page, and what went wrong in it."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.sent = socket, 0
        self.problems: list[str] = []
        self.home = "file:"
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.context = self.tab()
        self.call("script.addPreloadScript", functionDeclaration=f"() => {{ {pages.LISTEN} }}")

    def call(self, method: str, **params: Any) -> Any:
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": params}))
        while (message := json.loads(self.socket.recv(timeout=30))).get("id") != self.sent:
            self.note(message["method"], message["params"])
        assert message["type"] == "success", message
        return message["result"]

    def note(self, event: str, params: Any) -> None:
        # Of a fraction of which a slow machine has read only one half Firefox says that it lacks
        # the other; the finished ones are counted in the checks without a browser.
        half = "Invalid markup: Incorrect number of children"
        is_error = event == "log.entryAdded" and params["level"] == "error"
        # What no script has thrown, for it has no trace, is of the sandbox from which Firefox
        # itself looks at a page that goes away.
        own = params.get("text", "").startswith("Error: Permission denied to access property")
        own = own and "stackTrace" not in params
        if is_error and not own and not params["text"].startswith(half):
            self.problems.append(params["text"])
        if event == "network.beforeRequestSent":
            url = params["request"]["url"]
            if not url.startswith((self.home, "data:", "blob:")):
                self.problems.append(f"asks for {url}")

    def tab(self) -> str:
        return str(self.call("browsingContext.create", type="tab")["context"])

    def open(self, address: str) -> None:
        # In a tab of its own: a script of the page before (a figure that writes its address, a
        # search that loads its index) can end a navigation, or leave it without an answer.
        before, self.context = self.context, self.tab()
        self.call("browsingContext.close", context=before)
        self.problems.clear()
        home = re.match(r"file:|http://[^/]+", address)
        assert home, address
        self.home = home[0]
        self.call("browsingContext.navigate", context=self.context, url=address, wait="none")
        arrived = f"location.href.startsWith({address!r}) && document.readyState === 'complete'"
        self.wait_for(arrived)

    def evaluate(self, expression: str) -> Any:
        target = {"context": self.context}
        answer = self.call(
            "script.evaluate", expression=expression, target=target, awaitPromise=True
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        end = monotonic() + 30
        while not self.evaluate(f"Boolean({condition})"):
            assert monotonic() < end, f"never: {condition}"
            sleep(0.02)

    def press(self, key: str) -> None:
        strokes = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        keyboard = {"type": "key", "id": "keyboard", "actions": strokes}
        self.call("input.performActions", context=self.context, actions=[keyboard])


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    sync = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("second browser engine not checked: Firefox is not installed")
    home = tmp_path_factory.mktemp("firefox")
    command = [program, "--headless", "--no-remote", "--remote-debugging-port=0"]
    command += ["--profile", str(home), "about:blank"]

    def address(said: str) -> str | None:
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)\n", said)
        return found and f"{found[1]}/session"

    with (
        running(command, home, address, {**os.environ, "HOME": str(home)}) as session,
        sync.connect(session, max_size=None) as socket,
    ):
        yield Firefox(socket)


@pytest.mark.parametrize("name", DRAWN)
def test_figure_lives_and_follows_the_keyboard(firefox: Firefox, tmp_path: Path, name: str) -> None:
    firefox.open(write_page(tmp_path, KINDS[name]().html()).as_uri())
    assert firefox.evaluate("document.querySelectorAll('.dsf-live svg').length") > 0
    assert firefox.evaluate("document.querySelector('.dsf-still').checkVisibility()") is False
    firefox.evaluate(
        "slider = document.querySelector('.dsf-live input[type=range]:enabled'); slider.focus();"
        f"before = {SEEN}; place = slider.value"
    )
    at_start = firefox.evaluate("slider.value === slider.min")
    firefox.press(ARROW_RIGHT if at_start else ARROW_LEFT)
    firefox.wait_for(f"slider.value !== place && {SEEN} !== before")
    assert firefox.problems == []


@pytest.mark.book
def test_pages_come_to_life_quietly_and_their_policy_stops_nothing(
    firefox: Firefox, site: Path, base: str
) -> None:
    for name in pages.names(site):
        firefox.open(f"{base}/{name}")
        figures = "figure:is(.dsf-widget, .dsf-plotly)"
        wanted = firefox.evaluate(f"document.querySelectorAll('{figures}').length")
        assert firefox.evaluate(pages.USE) == wanted
        assert firefox.evaluate("violations.join()") == "", name
        assert firefox.problems == [], name


@pytest.mark.book
def test_the_laboratory_trains(firefox: Firefox, site: Path) -> None:
    [chapter] = (site / "chapters").glob("10-*.html")
    firefox.open(chapter.as_uri())
    firefox.evaluate("document.querySelector('[data-widget=lab]').scrollIntoView()")
    firefox.wait_for("lab = document.querySelector('[data-widget=lab] .dsf-live')")
    press = "[...lab.querySelectorAll('button')].find(b => b.textContent === '{}').click()"
    firefox.evaluate(press.format("n = 8"))  # the bet
    firefox.wait_for("[...lab.querySelectorAll('button')].some(b => b.textContent === 'Train')")
    firefox.evaluate(press.format("Train"))
    firefox.wait_for(r"/step [1-9]\d* of \d+, accuracy/.test(lab.textContent)")
    assert firefox.problems == []


@pytest.mark.book
def test_search_finds_what_is_there_and_nothing_else(firefox: Firefox, base: str) -> None:
    for asked, found in (("recurrence", True), ("xqzvwk", False)):
        firefox.open(f"{base}/index.html")
        firefox.evaluate(
            "document.getElementById('search-opener').click();"
            f"document.getElementById('search-input').value = '{asked}'"
        )
        firefox.wait_for("document.getElementById('search-status').textContent")
        results = "document.querySelectorAll('.search-results a').length"
        assert (firefox.evaluate(results) > 0) == found
        assert firefox.problems == []


@pytest.mark.book
def test_scripts_and_hosts_that_a_page_does_not_know_are_stopped(
    firefox: Firefox, base: str, stranger: tuple[str, list[str]]
) -> None:
    address, asked = stranger
    firefox.open(f"{base}/index.html")
    ran = firefox.evaluate(f"({pages.INTRUDE})('{address}').then((ran) => ran.join())")
    firefox.evaluate(f"({pages.SEND})('{address}')")
    firefox.evaluate("new Promise((done) => setTimeout(done, 300))")
    assert firefox.evaluate("location.href") == f"{base}/index.html"
    assert (ran, asked) == ("", [])
