"""A real headless Chromium: a local page at some width and colour scheme, with no network.

Pages are drawn and the browser is closed again before anything is judged: while Playwright runs, no
other test of the same process may use asyncio.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Route

Scheme = Literal["light", "dark"]
NAMES = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"),
)
APPS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Nothing resolves, for the page or for the browser itself.
FLAGS = ("--disable-gpu", "--font-render-hinting=none", "--host-resolver-rules=MAP * ~NOTFOUND")


def find() -> str | None:
    """Where there is one: as CHROMIUM_BIN says, in PATH, or among a Mac's applications."""
    named = os.environ.get("CHROMIUM_BIN")
    found = [named, *(shutil.which(name) for name in NAMES)]
    apps = [app for app in APPS if os.access(app, os.X_OK)]
    return next((path for path in (*found, *apps) if path), None)


@dataclass(frozen=True)
class Shot:
    """A page as it was drawn: its picture, its sizes in pixels, what it asked for and complained
    of, and what a script found in it."""

    png: bytes
    scroll_width: int
    client_width: int
    requests: tuple[str, ...]
    errors: tuple[str, ...]
    value: Any


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    """The browser; root and containers cannot have its sandbox."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            headless=True,
            chromium_sandbox=False,
            args=FLAGS,
            timeout=120_000,
        )
        try:
            yield browser
        finally:
            browser.close()


def render(browser: Browser, html: Path, width: int, scheme: Scheme, script: str = "0") -> Shot:
    """Draw a page; whatever it asks for beside itself is noted and refused."""
    url, phone = html.resolve().as_uri(), width < 600
    requests: list[str] = []
    errors: list[str] = []

    def gate(route: Route) -> None:
        asked = route.request.url
        if asked.partition("#")[0] == url or asked.startswith("data:"):
            route.continue_()
        else:
            requests.append(asked)
            route.abort()

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    context = browser.new_context(
        viewport={"width": width, "height": 844 if phone else 900},
        color_scheme=scheme,
        reduced_motion="reduce",
        is_mobile=phone,
        has_touch=phone,
        service_workers="block",
        offline=True,
    )
    context.set_default_timeout(60_000)
    context.route("**/*", gate)
    context.on("console", heard)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = context.new_page()
    page.goto(url, wait_until="load")
    root = "document.documentElement"
    scroll, client = page.evaluate(f"[{root}.scrollWidth, {root}.clientWidth]")
    value = page.evaluate(script)
    png = page.screenshot(full_page=True, animations="disabled")
    context.close()
    return Shot(png, scroll, client, tuple(requests), tuple(errors), value)
