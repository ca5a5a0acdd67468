"""A confirmation and a timer at its deadline: one of them decides, and both say the same."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.shells.guarded import RISKY, asking, told_by
from tests.shells.hosts import Host, a_file, fewer_shells
from tests.shells.running import wait_for
from tests.shells.shells import FEWER, run

pytestmark = pytest.mark.shells
LIBRARY = (
    "prelude.sh",
    "process.sh",
    "lock.sh",
    "job.sh",
    "steps.sh",
    "network.sh",
    "guarded.sh",
    "jobs.sh",
)
RACES = 67
# Every race has a job that asks, with its deadline over, and a change that was made.
RACE = """
UNDO_ORDER=0 GUARDED=' 0 '
put_back() { echo old >state; }
jitter() { awk -v n="$1" 'BEGIN { printf "%.3f", (n * 37 % 17) / 250 }'; }
n=0
while [ $n -lt RACES ]; do
  n=$((n + 1)) JOB=race-$n
  mkdir "$STATE/jobs/$JOB" && cd "$STATE/jobs/$JOB" || exit
  : >pending
  : >asked
  : >network.before
  echo 0 >deadline
  echo new >state
  (sleep "$(jitter $n)"; run_timer) &
  (sleep "$(jitter $((n + 8)))"; confirm_job $JOB >said) &
  wait
  ends=$(ls | grep -c -x -e confirmed -e reverted)
  echo "$(cat said) $(tail -n 1 journal | cut -d ' ' -f 2) $(cat state) $ends"
done
"""


@fewer_shells
def test_whoever_renames_first_decides_and_files_and_words_agree(host: Host) -> None:
    ran = run(host.inline("job-1", LIBRARY, RACE.replace("RACES", str(RACES))))
    ended = Counter(ran.lines)
    # Nobody is left to tidy up behind a confirmation but the timer, and it says so.
    assert set(ended) == {"confirmed confirmed new 1", "reverted reverted old 1"}, ran
    assert sum(ended.values()) == RACES
    assert min(ended.values()) >= 3, ended


def _uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


def _race(host: Host) -> str:
    job = asking(host, a_file("/etc/x", "new\n", **RISKY), seconds=1)
    deadline = int((job.folder / "deadline").read_text())
    wait_for("the deadline", lambda: _uptime() > deadline + random.uniform(-0.2, 0.2))
    said = host.confirm("job-1")
    assert host.end(job).answers.ended
    told = told_by(job.folder)
    assert told[-2:] == [said, "end ok" if said == "confirmed" else "end reverted"]
    assert host.path("/etc/x").exists() == (said == "confirmed")
    return said


@pytest.mark.skipif(not Path("/proc/uptime").exists(), reason="reads Linux's clock since boot")
def test_real_jobs_that_are_confirmed_at_their_deadline_agree_with_what_is(tmp_path: Path) -> None:
    hosts = []
    for number in range(8):
        root = tmp_path / str(number)
        (root / "etc").mkdir(parents=True)
        hosts.append(Host(FEWER[number % len(FEWER)], root))
        time.sleep(0.05)
    with ThreadPoolExecutor(len(hosts)) as pool:
        said = list(pool.map(_race, hosts))
    assert set(said) <= {"confirmed", "reverted"}
