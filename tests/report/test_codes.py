"""One exit code for a fleet."""

from __future__ import annotations

import pytest

from magnusctl.errors import (
    ConflictError,
    Exit,
    HostError,
    MagnusError,
    PreconditionError,
    Unreachable,
)
from magnusctl.report import Result, Verdict, exit_code, verdict_code

PRE, DOWN = PreconditionError("x"), Unreachable("x")


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], Exit.OK),
        ([PRE, PRE], Exit.PRECONDITION),
        ([ConflictError("x")], Exit.CONFLICT),
        ([DOWN, HostError("x")], Exit.HOSTS_FAILED),
        ([PRE, DOWN], Exit.HOSTS_FAILED),
    ],
)
def test_errors_that_agree_give_their_code(errors: list[MagnusError], code: Exit) -> None:
    assert exit_code(errors) is code


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.PASS, Exit.OK),
        (Verdict.WARN, Exit.OK),
        (Verdict.SKIP, Exit.OK),
        (Verdict.FAIL, Exit.CHECK_FAILED),
        (Verdict.UNKNOWN, Exit.CHECK_FAILED),
    ],
)
def test_a_check_that_did_not_pass_is_a_failure(verdict: Verdict, code: Exit) -> None:
    assert verdict_code([Result("x", "y", verdict)]) is code
