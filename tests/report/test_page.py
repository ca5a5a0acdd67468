"""The page in a real headless Chromium: wide and on a phone, light and dark, asking for nothing.

With MAGNUS_SHOTS=FOLDER the pictures are kept, to be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.report.browser import Scheme, Shot, chromium, find, render
from tests.report.test_verified import html

CASES: list[tuple[int, Scheme]] = [
    (1200, "light"),
    (1200, "dark"),
    (390, "light"),
    (390, "dark"),
]
# What a person sees without scrolling sideways, and whether every text has room in its box.
LOOK = """
(() => {
  const seen = id => document.getElementById(id).getBoundingClientRect();
  const over = [...document.querySelectorAll("li, td, th, summary, small, p")]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
    .map(e => e.textContent.trim().slice(0, 40));
  const ground = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);
  const ink = getComputedStyle(document.body).color.match(/[0-9]+/g).map(Number);
  return {top: seen("trouble").top < seen("map").top, over, ground, ink,
          beside: seen("map").top === seen("bandwidth").top,
          font: parseFloat(getComputedStyle(document.body).fontSize)};
})()
"""


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, Scheme], Shot]:
    """The page, drawn in all four ways."""
    executable = find()
    if executable is None:
        pytest.skip("no Chromium or Chrome is in PATH (CHROMIUM_BIN can name one)")
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html())
    with chromium(executable) as browser:
        found = {case: render(browser, path, *case, LOOK) for case in CASES}
    kept = os.environ.get("MAGNUS_SHOTS")
    for (width, scheme), shot in found.items() if kept else ():
        (Path(str(kept)) / f"page-{width}-{scheme}.png").write_bytes(shot.png)
    return found


@pytest.mark.parametrize(("width", "scheme"), CASES)
def test_it_fits_asks_for_nothing_and_complains_of_nothing(
    shots: dict[tuple[int, Scheme], Shot], width: int, scheme: Scheme
) -> None:
    shot = shots[width, scheme]
    assert shot.scroll_width <= shot.client_width == width
    assert shot.requests == ()
    assert shot.errors == ()
    assert shot.png[:4] == b"\x89PNG"
    assert len(shot.png) > 20_000


@pytest.mark.parametrize(("width", "scheme"), CASES)
def test_it_can_be_read(shots: dict[tuple[int, Scheme], Shot], width: int, scheme: Scheme) -> None:
    look = shots[width, scheme].value
    assert look["over"] == []
    assert look["font"] >= 14
    assert look["top"], "what needs somebody comes before the pictures"
    assert look["beside"] == (width > 760)
    light = sum(look["ground"]) > sum(look["ink"])
    assert light == (scheme == "light")
