"""How all tests are run."""

from __future__ import annotations

from hypothesis import settings

# The same examples each time, however slow the machine is: what a change did not touch cannot fail
# it. New ones are looked for with --hypothesis-profile=search.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("same")
