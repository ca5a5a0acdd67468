"""Why a job is sent to a host, and whether it may be. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from magnusctl.errors import MagnusError, PreconditionError
from magnusctl.state import Plan


@dataclass(frozen=True)
class Permission:
    """Whether a plan may be applied at this moment, and for how many seconds that stands."""

    held: PreconditionError | None = None
    seconds: float = math.inf


@dataclass(frozen=True)
class Errand:
    """Why a job is sent: the verb, how long it may wait for another job, and who says whether a
    plan may be applied: asked for each job anew, as a host may have waited for its turn."""

    verb: str = "provision"
    wait_lock_s: int = 0
    judge: Callable[[str, Plan], Permission] = lambda host, plan: Permission()
    keeps: bool = True
    """Whether what was before is the first state of what it changes; a way back keeps none."""
    explain: Callable[[MagnusError], MagnusError] = lambda error: error
    """What a failure is told as: who sent the job may know more of what it was for."""
