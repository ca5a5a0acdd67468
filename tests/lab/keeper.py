"""Somebody who starts a host again when it goes down by itself, as a machine's firmware does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.lab.system import LabError


class Keeper:
    """Waits once for a host to go off, and starts it; in a thread, so that a test can go on."""

    def __init__(
        self, wait_off: Callable[[float], int], power_on: Callable[[], None], seconds: float
    ) -> None:
        self._wait_off, self._power_on, self._seconds = wait_off, power_on, seconds
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def join(self) -> None:
        """Wait until it has come to an end, whatever that is."""
        self._thread.join()

    def finish(self) -> None:
        """Wait until the host has gone down and come back; LabError when it did not."""
        self.join()
        if self._error is not None:
            raise LabError(f"it did not come back: {self._error}") from self._error

    def _keep(self) -> None:
        try:
            self._wait_off(self._seconds)
            self._power_on()
        except Exception as error:
            self._error = error
