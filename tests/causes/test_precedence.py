"""What counts where a log holds several signs, what does not matter in a line, and what is safe."""

from __future__ import annotations

import time

import pytest

from magnusctl.causes import Cause, Diagnosis, diagnose

STEPS = [
    ("oom-kill", Cause.killed_by_os),
    ("signal KILL", Cause.killed_by_os),
    ("timeout", Cause.timeout),
    ("asleep", Cause.asleep),
    ("unreachable", Cause.unreachable),
    ("exit 1", Cause.unknown),
    ("", Cause.unknown),
]
KV = (
    "ValueError: To serve at least one request with the models's max seq len (32768), (2.44 GiB KV "
    "cache is needed, which is larger than the available KV cache memory (2.30 GiB). Based on the "
    "available memory, the estimated maximum model length is 23648. Try increasing"
)
TAKEN = "OSError: [Errno 98] Address already in use"
REFUSED = "[Errno 111] Connection refused"
KILLED = "RuntimeError: Failed core proc(s): {'EngineCore_DP0': -9}"
START = "(APIServer pid=1) INFO 11-05 12:19:01 [api_server.py:1839] vLLM API server version 0.11.0"
READY = "INFO:     Application startup complete."
LOADING = "INFO 11-05 12:19:21 [gpu_model_runner.py:2602] Starting to load model acme/m..."
GATED = "GatedRepoError: 401 Client Error. (Request ID: Root=1-0)"


def of(*log: str, ended: str = "") -> Diagnosis:
    return diagnose("vllm", log, model="acme/m", host="node1", ended=ended)


@pytest.mark.parametrize(("ended", "cause"), STEPS)
def test_without_a_log_the_step_tells(ended: str, cause: Cause) -> None:
    found = of(ended=ended)
    assert (found.cause, found.line, found.figure) == (cause, "", "")
    assert found.next


# What is said, how it ended, and what counts.
PRECEDENCE = [
    ("the first line of a start is its cause", [START, KV, TAKEN], "", Cause.oom_kv),
    ("and not the other way round", [START, TAKEN, KV], "", Cause.port_taken),
    ("the newest start counts", [START, KV, START, TAKEN], "", Cause.port_taken),
    ("a start that told nothing yet does not", [START, KV, START], "", Cause.oom_kv),
    ("a ready server survived what was said before", [START, KV, READY], "", Cause.unknown),
    ("an older failure is over", [START, KV, START, READY], "", Cause.unknown),
    ("a ready server can fail", [START, READY, "CUDA out of memory"], "", Cause.oom_weights),
    ("a cause before a kill", [START, KILLED, KV], "", Cause.oom_kv),
    ("a kill before a connection", [START, REFUSED, KILLED], "", Cause.killed_by_os),
    ("a cause before a connection", [START, REFUSED, KV], "", Cause.oom_kv),
    ("clients of a ready server go away", [START, READY, REFUSED], "", Cause.unknown),
    ("what was asked for came", [START, GATED, LOADING, KV], "", Cause.oom_kv),
    ("it came after all", [START, REFUSED, LOADING], "", Cause.unknown),
    ("a log line before a time-out", [START, KV], "timeout", Cause.oom_kv),
    ("a connection of the log before a time-out", [START, REFUSED], "timeout", Cause.unreachable),
    ("a time-out where the log is silent", [START], "timeout", Cause.timeout),
    ("the kernel knows better", [START, KV], "oom-kill", Cause.killed_by_os),
    ("a sleeping machine's log is old", [START, KV], "asleep", Cause.asleep),
    ("a cause before a signal", [START, KV], "signal KILL", Cause.oom_kv),
    ("a signal before a connection", [START, REFUSED], "signal KILL", Cause.killed_by_os),
    ("an exit tells nothing", [START], "exit 1", Cause.unknown),
    ("advice is none", [f"WARNING 11-05 12:19:21 [a.py:1] {TAKEN}"], "", Cause.unknown),
    ("nor is a traceback's code", ['  raise OSError("Address already in use")'], "", Cause.unknown),
]


@pytest.mark.parametrize(
    ("why", "log", "ended", "cause"), PRECEDENCE, ids=[p[0] for p in PRECEDENCE]
)
def test_precedence(why: str, log: list[str], ended: str, cause: Cause) -> None:
    assert of(*log, ended=ended).cause is cause, why


def test_consequences_are_never_the_cause() -> None:
    vague = "RuntimeError: Engine core initialization failed. See root cause above. Failed core"
    assert of(vague).cause is Cause.unknown
    assert of(vague).figure == ""
    assert of("KeyError: 'rope'", vague).figure == "KeyError: 'rope'"


PREFIXES = [
    "",
    "(EngineCore_DP0 pid=123) ",
    "(EngineCore_DP0 pid=123) ERROR 11-05 12:19:32 [core.py:708] ",
    "2026-04-19 11:23:08.490 | (EngineCore pid=207) ERROR 04-19 09:23:08 [core.py:1132] ",
    "Nov 05 12:18:58 node1 vllm[12001]: (APIServer pid=1) ",
    "7月 24 15:40:33 node1 vllm[12001]: ",
    "2026-11-05T12:18:58+0100 node1 vllm[12001]: ",
    "vllm  | [rank0]: ",
    "\x1b[31m(Worker pid=1)\x1b[0;39m \x1b[1m",
    "(RayWorkerWrapper pid=206994, ip=192.168.10.25) ERROR 03-27 10:29:13 [worker_base.py:620] ",
    "Loading:  10%|#         | 1/10\rLoading: 100%|##########| 10/10\r",
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_stamps_and_colours_do_not_matter(prefix: str) -> None:
    found = of(f"{prefix}{KV}\x1b[0m")
    assert found.cause is Cause.oom_kv
    assert found.line == KV
    assert found.figure == "2.44 GiB KV cache needed, 2.30 GiB available; 23648 tokens fit"


NEXT = [
    (KV, "'magnusctl fit acme/m --on node1'"),
    ("error: unrecognized arguments: --no-such", "Take --no-such out"),
    ("Driver/library version mismatch", "'magnusctl provision -l node1 -t cuda', and boot node1"),
    ("listen tcp 127.0.0.1:11434: bind: address already in use", "holds port 11434"),
    (TAKEN, "sudo ss -ltnp"),
    (GATED, "licence on the page of acme/m"),
    ("No space left on device", "Make room on node1"),
    ("unknown model architecture: 'x'", "newer vLLM"),
    ("no kernel image is available for execution on the device", "made for the card of node1"),
    ("Killed", "Bound its memory"),
    ("nothing that is known", "Not recognised"),
]


@pytest.mark.parametrize(("line", "words"), NEXT)
def test_what_to_do_next_is_concrete(line: str, words: str) -> None:
    found = of(line)
    assert words in found.next
    assert "{" not in found.next.replace("{branch: …}", "")


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "$(reboot)", "a'b", "-rf", "x\x1b[31m", "x" * 500]
)
def test_a_name_that_no_shell_takes_as_it_is_gives_a_place_holder(name: str) -> None:
    assert "'magnusctl fit MODEL --on HOST'" in diagnose("vllm", [KV], model=name, host=name).next


HOSTILE = [
    "\x00\x07\x1b[2J\x1b]0;title\x07\u202eerror: unrecognized arguments: --\u202ex\x9b31m",
    "\x1b]8;;http://example\x1b\\Address already in use\x1b[",
    "x" * (1 << 20) + " No space left on device",
    "No space left on device " + "x" * (1 << 20),
    "Model architectures ['" + "A" * 5000,
    "(" * 5000 + "[rank0]: " * 5000,
    "error: argument " + "-" * 4000,
    "a | " * 3000,
    "\ud800 No space left on device",
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_lines_are_bounded_and_can_be_shown(line: str) -> None:
    found = of(line, *[line] * 50)
    for text in (found.line, found.figure, found.next):
        assert len(text) <= 900
        assert text.isprintable()


def test_a_long_log_is_read_from_its_end_and_in_time() -> None:
    noise = ["(Worker pid=1) ERROR 11-05 12:19:32 [a.py:1] " + "word " * 300] * 100_000
    began = time.monotonic()
    assert of(*noise, KV).cause is Cause.oom_kv
    assert of(KV, *noise).cause is Cause.unknown
    assert time.monotonic() - began < 20
