"""Fixtures: the hosts of the shell tests."""

from __future__ import annotations

from tests.shells.conftest import host_under

__all__ = ["host_under"]
