"""V5, V6: a template that cannot be rendered stops everything before any host is asked."""

from __future__ import annotations

import pytest

from tests.faults.site import Site
from tests.inventory.helpers import magnusctl

BROKEN = {
    "undefined": ("one\ntwo {{ nosuch }}\n", 2, "'nosuch' is undefined"),
    "no such attribute": ("{{ host.nosuch }}\n", 1, "has no attribute 'nosuch'"),
    "no such variable": ("\n{{ vars.nosuch }}\n", 2, "has no attribute 'nosuch'"),
    "filter typo": ("a\nb\n{{ name | uper }}\n", 3, "No filter named 'uper'"),
    "includes itself": ("{% include 'v.j2' %}\n", 0, "the template includes itself without end"),
    "macro without end": (
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}\n",
        *(0, "the template includes itself without end"),
    ),
    "raw without end": ("{% raw %}\n{{ x }}\n", 1, "Missing end of raw directive"),
    "end without if": ("a\n{% endif %}\n", 2, "Encountered unknown tag 'endif'"),
    "division": ("{{ 1 / 0 }}\n", 1, "division by zero"),
    "too long a range": ("{{ range(10 ** 9) | list }}\n", 1, "Range too big"),
    # V6: a template reads what it is given, and nothing else.
    "class": ("{{ ''.__class__.__mro__ }}\n", 1, "access to attribute '__class__' of 'str'"),
    "globals": ("{{ host.__init__.__globals__ }}\n", 1, "'__init__' of 'Host' object is unsafe"),
    "method": ("\n{{ inventory.model_dump.__globals__ }}\n", 2, "'__globals__' of 'method'"),
    "format": ("{{ '{0.__class__}'.format(name) }}\n", 1, "access to attribute '__class__'"),
    "environment": ("{{ self._TemplateReference__context }}\n", 1, "is unsafe"),
    "globals of a helper": ("{{ cycler.__init__.__globals__.os }}\n", 1, "is unsafe"),
    "changes the inventory": ("{{ vars.update(x=1) }}\n", 1, "'update' of 'dict' object is unsafe"),
    "reads a file": ("{% include '/etc/passwd' %}\n", 0, "there is no template '/etc/passwd'"),
    "reads above": ("{% include '../secret' %}\n", 0, "there is no template '../secret'"),
    "imports": ("{% import '/etc/passwd' as x %}\n", 0, "there is no template '/etc/passwd'"),
}
"""A template, the line that is at fault (0: none), and what is said of it."""


@pytest.mark.parametrize("case", BROKEN)
def test_v5_v6_a_template_that_cannot_be_is_refused_before_any_host_is_asked(
    place: Site, case: str
) -> None:
    text, line, said = BROKEN[case]
    server = place.server
    templates = server.folder / "templates"
    templates.mkdir(exist_ok=True)
    (templates / "v.j2").write_text(text)
    (server.folder / "secret").write_text("not for templates\n")
    good = {"resources": {"files": {"/etc/good": {"content": "good\n"}}}}
    bad = {"resources": {"files": {"/etc/v": {"template": "v.j2"}}}}
    inventory = str(server.inventory("v-good", "v-bad", hosts={"v-good": good, "v-bad": bad}))
    before = server.connections()
    for words in (("provision", "--yes"), ("verify",)):
        ran = magnusctl(server.folder, *words, "-i", inventory, environment=server.environment())
        assert ran.returncode == 2, ran.stderr
        assert ran.stdout == ""
        where = f"{templates}/v.j2:{line}: " if line else ""
        assert f"{where}{said}" in ran.stderr or (where in ran.stderr and said in ran.stderr)
        assert "  for host v-bad, resources: files: /etc/v" in ran.stderr
        assert "not for templates" not in ran.stderr
        assert "Traceback" not in ran.stderr
    assert server.connections() == before
    assert not (server.root("v-good") / "etc/good").exists()
