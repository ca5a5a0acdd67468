"""What is known of a job that was heard to its end. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from magnusctl.answers import Event
from magnusctl.report import Status


@dataclass(frozen=True)
class Ended:
    """What is known of a job: its journal, what became of each change and what it said, why no
    new connection was let in, and why its journal has no end."""

    host: str
    job: str
    events: Sequence[Event]
    statuses: Mapping[str, Status]
    output: Mapping[str, list[str]]
    unconfirmed: str = ""
    gone: str = ""
    names: Sequence[tuple[str, ...]] = ()
    """The changes of every step."""

    def failure(self, name: str) -> Event | None:
        """The event that tells how the step of a change failed."""
        failed = (event for event in self.events if event.word == "failed")
        return next((e for e in failed if name in self.names[int(e.arguments[0])]), None)

    @property
    def standing(self) -> list[str]:
        """The changes that were to be taken back, and could not be."""
        tried = {
            int(event.arguments[0]): event.word
            for event in self.events
            if event.word in ("undone", "undo-failed")
        }
        numbers = [number for number, word in tried.items() if word == "undo-failed"]
        return [name for n in numbers if n < len(self.names) for name in self.names[n]]

    def last(self, word: str) -> Event | None:
        """The last event of a word."""
        return next((event for event in reversed(self.events) if event.word == word), None)

    def named(self, status: Status) -> list[str]:
        """The changes that ended in one way."""
        return [name for name, end in self.statuses.items() if end is status]

    @property
    def all_of_it(self) -> str:
        """Where everything is written down, and what to type next."""
        return (
            f"All of it: /var/lib/magnus/jobs/{self.job} there. "
            f"See what stands with:  magnusctl plan -l {self.host}"
        )

    def words_of(self, names: Sequence[str]) -> Iterator[str]:
        """What each of some changes said last, under its name if there are several."""
        for name in names:
            if len(names) > 1:
                yield f"  {name}"
            yield from (f"    {line}" for line in self.output.get(name, [])[-8:])
