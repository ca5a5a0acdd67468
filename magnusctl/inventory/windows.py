"""Windows of time: hours in which a host is frozen, or may be disturbed."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field

from magnusctl.inventory.fields import Clock, ClockEnd, Date, Line
from magnusctl.inventory.strict import Model

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)


class Window(Model):
    """Hours of some days, as the clock on the wall shows them in a time zone."""

    model_config = ConfigDict(serialize_by_alias=True)

    timezone: Annotated[Line, Field(description="A name of the IANA list, as Australia/Sydney.")]
    days: Annotated[
        tuple[Day, ...], Field(min_length=1, description="The days on which it begins.")
    ] = DAYS[:5]
    begins: Annotated[Clock, Field(alias="from", description="As '09:50'.")]
    ends: Annotated[
        ClockEnd,
        Field(
            alias="to",
            description="The first minute after it, as '16:15'; earlier than `from` is on the "
            "next day, and '24:00' is midnight.",
        ),
    ]
    holidays: Annotated[
        tuple[Date, ...],
        Field(description="Days on which it does not begin, as '2026-12-25'."),
    ] = ()
    note: Annotated[Line, Field(description="What it is, in the words that people are shown.")] = ""
