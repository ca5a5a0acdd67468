"""Outputs of engines and of network tests that no recording holds: hard cases, made by hand."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnusctl.parsers import (
    facts,
    huggingface,
    iperf3_error,
    iperf3_json,
    iperf3_text,
    llama_bench,
    llama_server,
    mlx_lm,
    ollama,
    openai_sse,
    ping,
    vllm_log,
    vllm_metrics,
    vllm_models,
)

FAMILIES = (
    *("iperf3-error", "iperf3-json", "iperf3-text", "ping", "llama-bench", "llama-server"),
    *("mlx-lm", "ollama", "openai-sse", "vllm-log", "vllm-metrics", "vllm-models", "huggingface"),
)

GERMAN = """PING 10.0.0.1 (10.0.0.1) 56(84) Bytes an Daten.
64 Bytes von 10.0.0.1: icmp_seq=1 ttl=64 Zeit=0,045 ms

--- 10.0.0.1 Ping-Statistiken ---
3 Pakete übertragen, 2 empfangen, +1 Duplikate, 33,3333% Paketverlust, Zeit 2003ms
rtt min/avg/max/mdev = 0,045/0,061/0,085/0,010 ms
"""
BUSYBOX = """PING 10.0.0.1 (10.0.0.1): 56 data bytes
64 bytes from 10.0.0.1: seq=0 ttl=64 time=0.045 ms

--- 10.0.0.1 ping statistics ---
3 packets transmitted, 3 packets received, 0% packet loss
round-trip min/avg/max = 0.045/0.061/0.085 ms
"""
LINUX_TOO_LONG = """PING 10.0.0.1 (10.0.0.1) 8972(9000) bytes of data.
ping: local error: message too long, mtu=1500

--- 10.0.0.1 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms

"""
MAC_TOO_LONG = """PING 10.0.0.1 (10.0.0.1): 8972 data bytes
ping: sendto: Message too long
Request timeout for icmp_seq 0

--- 10.0.0.1 ping statistics ---
2 packets transmitted, 0 packets received, 100.0% packet loss
"""
ROUTER_TOO_LONG = """PING 10.9.0.1 (10.9.0.1): 1472 data bytes
36 bytes from 10.0.0.254: frag needed and DF set (MTU 1400)
Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst
"""

PINGS = {
    "by hand: German, decimal commas, duplicates": (
        GERMAN,
        ping.Ping(3, 2, 33.3333, 0.045, 0.061, 0.085, 1, None, 0, None, None),
    ),
    "by hand: busybox has three times, not four": (
        BUSYBOX,
        ping.Ping(3, 3, 0.0, 0.045, 0.061, 0.085, 0, None, 0, None, None),
    ),
    "by hand: macOS, a deviation that is no number": (
        BUSYBOX.replace("max = 0.045/0.061/0.085", "max/stddev = 0.045/0.061/0.085/nan"),
        ping.Ping(3, 3, 0.0, 0.045, 0.061, 0.085, 0, None, 0, None, None),
    ),
    "by hand: Linux, the own link is too small": (
        LINUX_TOO_LONG,
        ping.Ping(
            *(1, 0, 100.0, None, None, None, 0, "too_long", 1),
            *("local error: message too long, mtu=1500", 1500),
        ),
    ),
    "by hand: macOS does not tell the MTU": (
        MAC_TOO_LONG,
        ping.Ping(
            *(2, 0, 100.0, None, None, None, 0, "too_long", 0),
            *("sendto: Message too long", None),
        ),
    ),
    "by hand: a router on the way is too small, and no statistics": (
        ROUTER_TOO_LONG,
        ping.Ping(
            *(None,) * 7,
            *("too_long", None),
            *("36 bytes from 10.0.0.254: frag needed and DF set (MTU 1400)", 1400),
        ),
    ),
    "by hand: musl says too large": (
        "ping: sendto: Message too large\n",
        ping.Ping(error="too_long", message="sendto: Message too large"),
    ),
    "by hand: cut before its statistics": (
        "\n".join(BUSYBOX.splitlines()[:3]),
        ping.Ping(),
    ),
    "by hand: cut within its times": (
        BUSYBOX.removesuffix("85 ms\n"),
        ping.Ping(3, 3, 0.0, None, None, None, 0, None, 0, None, None),
    ),
}


@pytest.mark.parametrize(("text", "expected"), PINGS.values(), ids=PINGS)
def test_ping(text: str, expected: ping.Ping) -> None:
    assert ping.parse(text) == expected


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("ping: cannot resolve nosuch: Unknown host", "unknown_host"),
        ("ping: bad address 'nosuch'", "unknown_host"),
        ("ping: connect: Network is unreachable", "unreachable"),
        ("ping: sendto: Host is down", "unreachable"),
        ("ping: socket: Operation not permitted", "not_permitted"),
        ("sh: ping: command not found", "missing"),
        ("ping: something that nobody has seen", "other"),
        ("ping: Warning: time of day goes back (-1us), taking countermeasures", None),
    ],
)  # fmt: skip
def test_why_ping_failed_by_hand(line: str, error: str | None) -> None:
    assert ping.parse(line + "\n").error == error


def iperf(end: str, start: str = '"version": "iperf 3.17"', more: str = "") -> str:
    return f'{{\n\t"start": {{{start}}},\n\t"intervals": [],\n\t"end": {{{end}}}{more}\n}}\n'


SUMS = (
    '"sum_sent": {"bits_per_second": 5.5e9, "retransmits": 3}, '
    '"sum_received": {"bits_per_second": 5.4e9}'
)
STREAMED = """{"event":"start","data":{"version":"iperf 3.18","test_start":{"protocol":"TCP","num_streams":2,"reverse":1}}}
{"event":"interval","data":{"sum":{"omitted":true}}}
{"event":"end","data":{"sum_sent":{"bits_per_second":8e9},"sum_received":{"bits_per_second":7e9}}}
"""  # noqa: E501

IPERFS = {
    "by hand: figures before it was cut off by a signal": (
        iperf(SUMS, more=', "error": "interrupt - the client has terminated"'),
        {"sum_received_bps": 5.4e9, "retransmits": 3, "error": "the client has terminated"},
    ),
    "by hand: error with the prefix of old versions": (
        '{"start":{},"intervals":[],"end":{},"error":"error - unable to connect to server: '
        'Connection refused"}',
        {"sum_received_bps": None, "error": "unable to connect to server: Connection refused"},
    ),
    "by hand: nan is no JSON": (
        iperf('"sum": {"jitter_ms": 0, "lost_percent": -nan, "packets": 0}, ' + SUMS),
        {"sum_received_bps": 5.4e9, "lost_percent": None, "error": None},
    ),
    "by hand: old UDP without sum_received": (
        iperf('"sum": {"bits_per_second": 1e6, "jitter_ms": 0.5, "lost_percent": 2.5}'),
        {"sum_sent_bps": None, "sum_received_bps": None, "lost_percent": 2.5, "jitter_ms": 0.5},
    ),
    "by hand: warnings before and after the document": (
        f"iperf3: warning: bidir is experimental\n{iperf(SUMS)}warning: bye\n",
        {"sum_sent_bps": 5.5e9, "error": None},
    ),
    "by hand: json-stream": (
        STREAMED,
        {"num_streams": 2, "reverse": True, "sum_received_bps": 7e9, "version": "iperf 3.18"},
    ),
    "by hand: json-stream that failed": (
        '{"event":"start","data":{}}\n{"event":"error","data":"control socket has closed"}\n',
        {"error": "control socket has closed", "sum_received_bps": None},
    ),
    "by hand: a document that is cut": (iperf(SUMS)[:-9], {"version": None, "sum_sent_bps": None}),
    "by hand: end is a list": ('{"start": [], "end": []}', {"sum_sent_bps": None, "error": None}),
    "by hand: numbers too large for a float": (
        iperf(SUMS.replace("5.4e9", "1" + "0" * 400)),
        {"sum_received_bps": None, "sum_sent_bps": 5.5e9},
    ),
}


@pytest.mark.parametrize(("text", "expected"), IPERFS.values(), ids=IPERFS)
def test_iperf3_json(text: str, expected: dict[str, object]) -> None:
    found = vars(iperf3_json.parse(text))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "error", "kind"),
    [
        ("iperf3: error - unable to connect to server - server may have stopped running or use a "
         "different port, firewall issue, etc.: Connection refused\n",
         "unable to connect to server - server may have stopped running or use a different port, "
         "firewall issue, etc.: Connection refused", "refused"),
        ("warning: x\niperf3: error - unable to connect to server: No route to host\r\n",
         "unable to connect to server: No route to host", "no_route"),
        ("iperf3: interrupt - the client has terminated\n", "the client has terminated",
         "interrupted"),
        ("iperf3: parameter error - some option you are trying to set is client only\n\nUsage: x\n",
         "some option you are trying to set is client only", "usage"),
        ("bash: iperf3: command not found\n", "iperf3: command not found", "missing"),
        ("sh: 1: iperf3: not found\n", "iperf3: command not found", "missing"),
        ("iperf Done.\n", None, None),
    ],
)  # fmt: skip
def test_why_iperf3_failed_by_hand(text: str, error: str | None, kind: str | None) -> None:
    assert iperf3_error.parse(text) == iperf3_error.Failure(error, kind)


PARALLEL = """Connecting to host 10.0.0.2, port 5201
Reverse mode, remote host 10.0.0.2 is sending
[ ID] Interval           Transfer     Bitrate
[  5]   0.00-1.00   sec   562 MBytes   4.71 Gbits/sec
[  7]   0.00-1.00   sec   562 MBytes   4.71 Gbits/sec
[SUM]   0.00-1.00   sec  1.10 GBytes   9.42 Gbits/sec
- - - - - - - - - - - - - - - - - - - - - - - - -
[ ID] Interval           Transfer     Bitrate         Retr
[  5]   0.00-1.00   sec   562 MBytes   4.71 Gbits/sec    2             sender
[  5]   0.00-1.00   sec   562 MBytes   4.70 Gbits/sec                  receiver
[  7]   0.00-1.00   sec   562 MBytes   4.71 Gbits/sec    1             sender
[  7]   0.00-1.00   sec   562 MBytes   4.70 Gbits/sec                  receiver
[SUM]   0.00-1.00   sec  1.10 GBytes   9.42 Gbits/sec    3             sender
[SUM]   0.00-1.00   sec  1.10 GBytes   9.40 Gbits/sec                  receiver
"""
UDP = """[ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams
[  5]   0.00-2.00   sec   119 MBytes   500 Mbits/sec  0.000 ms  0/86289 (0%)  sender
[  5]   0.00-2.00   sec   116 MBytes   487 Mbits/sec  0.001 ms  2250/86289 (2.6%)  receiver
"""
BIDIR = """[ ID][Role] Interval           Transfer     Bitrate         Retr
[  5][TX-C]   0.00-30.00  sec  21.0 GBytes  6.02 Gbits/sec  706             sender
[  5][TX-C]   0.00-30.00  sec  21.0 GBytes  6.01 Gbits/sec                  receiver
[  7][RX-C]   0.00-30.00  sec  5.96 GBytes  1.71 Gbits/sec  495             sender
[  7][RX-C]   0.00-30.00  sec  5.95 GBytes  1.70 Gbits/sec                  receiver
"""

TEXTS = {
    "by hand: streams in parallel, the sum counts": (
        PARALLEL,
        {"sender_bps": 9.42e9, "receiver_bps": 9.4e9, "retransmits": 3, "streams": 2,
         "reverse": True, "first_interval_bps": 9.42e9},
    ),
    "by hand: streams in parallel, cut before their sum": (
        PARALLEL.split("[SUM]   0.00-1.00   sec  1.10 GBytes   9.42 Gbits/sec    3")[0],
        {"sender_bps": None, "receiver_bps": None},
    ),
    "by hand: UDP, the loss is the receiver's": (
        UDP,
        {"receiver_bps": 487e6, "lost_packets": 2250, "lost_percent": 2.6, "retransmits": None},
    ),
    "by hand: both directions": (BIDIR, {"sender_bps": 6.02e9, "receiver_bps": 6.01e9}),
    "by hand: two tests in one output, the last counts": (UDP + BIDIR, {"receiver_bps": 6.01e9}),
    "by hand: bytes per second, with time stamps": (
        "12:00:01 [  5]   0.00-2.00   sec   228 MBytes   114 MBytes/sec    0             sender\n",
        {"sender_bps": 912e6, "receiver_bps": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_iperf3_text(text: str, expected: dict[str, object]) -> None:
    found = vars(iperf3_text.parse(text))
    assert {name: found[name] for name in expected} == expected


HEAD = "| model | size | params | backend | ngl | type_k | test | t/s |\n| --- | --: | --: | --- | --: | -: | --- | --: |\n"  # noqa: E501
ROW = "| llama 8B Q4_K - Medium | 4.58 GiB | 8.03 B | ROCm,RPC | 99 | q8_0 | pp512+tg128 @ d4096 | 1234.50 ± 7.25 |"  # noqa: E501
SQL = """CREATE TABLE IF NOT EXISTS llama_bench (build_commit TEXT, n_prompt INTEGER);
INSERT INTO llama_bench (build_commit, build_number, n_prompt, n_gen, n_depth, avg_ts, stddev_ts) VALUES ('1e5', '12', '512', '0', '0', '99.5', '0.5');
"""  # noqa: E501


def test_llama_bench_by_hand_extra_columns_and_a_cut_row() -> None:
    found = llama_bench.parse(f"\x1b[0mggml_cuda_init: x\n{HEAD}{ROW}\n{ROW[:-9]}")
    assert [(row.test, row.tokens_per_second, row.stddev) for row in found.rows] == [
        ("pp512+tg128 @ d4096", 1234.5, 7.25)
    ]
    row = found.rows[0]
    assert (row.n_prompt, row.n_gen, row.n_depth, row.cells["ngl"]) == (512, 128, 4096, 99)


def test_llama_bench_by_hand_sql_with_a_commit_that_looks_like_a_number() -> None:
    found = llama_bench.parse(SQL)
    assert (found.build_commit, found.build_number, found.form) == ("1e5", 12, "sql")
    assert (found.rows[0].test, found.rows[0].tokens_per_second) == ("pp512", 99.5)


def test_llama_bench_by_hand_half_a_list_tells_nothing_but_whole_lines_do() -> None:
    one = '{"n_prompt": 0, "n_gen": 16, "avg_ts": 5.5}'
    assert llama_bench.parse(f"[\n  {one},\n  {one[:20]}").rows == ()
    assert len(llama_bench.parse(f"{one}\n{one[:20]}").rows) == 1
    assert len(llama_bench.parse(f"load: x\n[\n  {one},\n  {one}\n]\n").rows) == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("main: error: failed to load model '/a b/c.gguf'\n", "failed to load model"),
        ("main: error: failed to create context with model 'x.gguf'\n",
         "failed to create context with model"),
        ("0.00.951.576 E cmn  common_init_: failed to create context with model 'x.gguf'\n",
         "failed to create context with model"),
        ("error: invalid parameter for argument: -z\n", "invalid parameter for argument: -z"),
        ("ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory\n",
         "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory"),
        (HEAD + ROW + "\n", None),
    ],
)  # fmt: skip
def test_why_llama_bench_failed_by_hand(text: str, error: str | None) -> None:
    assert llama_bench.parse(text).error == error


def delta(inside: str, more: str = "", finish: str = "null") -> str:
    return (
        f'data: {{"choices":[{{"index":0,"delta":{{{inside}}},"finish_reason":{finish}}}]{more}}}'
    )


USAGE = (
    '"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}'
)

EVENTS = {
    "by hand: role with an empty text, as of vLLM": (
        delta('"role":"assistant","content":""'),
        "role",
    ),
    "by hand: every chunk has a role, as of mlx_lm": (
        delta('"role":"assistant","content":"a"'),
        "content",
    ),
    "by hand: reasoning": (delta('"reasoning_content":"hm","content":null'), "reasoning"),
    "by hand: reasoning under its newer name": (delta('"reasoning":"hm"'), "reasoning"),
    "by hand: a blank is a text": (delta('"content":" "'), "content"),
    "by hand: text and finish and usage in one": (
        delta('"content":"a"', f",{USAGE}", '"stop"'),
        "content",
    ),
    "by hand: role with running usage": (delta('"role":"assistant"', f",{USAGE}"), "role"),
    "by hand: finish": (delta("", finish='"length"'), "finish"),
    "by hand: tool": (delta('"tool_calls":[{"index":0}]'), "tool"),
    "by hand: usage": (f'data: {{"choices":[],{USAGE}}}', "usage"),
    "by hand: no blank behind the colon, CR behind": ('data:{"choices":[]}\r\n', "other"),
    "by hand: done": ("data: [DONE]", "done"),
    "by hand: legacy completion": ('data: {"choices":[{"text":"a","index":0}]}', "content"),
    "by hand: llama-server's own": ('data: {"content":"a","stop":false}', "content"),
    "by hand: error in a stream": ('data: {"error":{"message":"boom","code":500}}', "error"),
    "by hand: error of vLLM": ('data: {"object":"error","message":"boom"}', "error"),
    "by hand: error as a field": ('error: {"code":500,"message":"boom"}', "error"),
    "by hand: comment": (": keepalive 1/2", None),
    "by hand: event name": ("event: message", None),
    "by hand: blank": ("", None),
    "by hand: half a line": ('data: {"choices":[{"del', None),
    "by hand: a list": ("data: [1]", None),
}


@pytest.mark.parametrize(("line", "kind"), EVENTS.values(), ids=EVENTS)
def test_one_line_of_a_stream(line: str, kind: str | None) -> None:
    found = openai_sse.event(line)
    assert (found.kind if found else None) == kind
    if kind == "error":
        assert found is not None
        assert found.error == "boom"


def test_a_stream_by_hand() -> None:
    lines = (delta('"role":"assistant"'), delta('"reasoning":"so"'), delta('"content":"a"'),
             delta('"content":"b"', f",{USAGE}", '"stop"'))  # fmt: skip
    found = openai_sse.parse("HTTP/1.1 200 OK\r\nserver: uvicorn\r\n\r\n" + "\r\n\r\n".join(lines))
    assert [one.kind for one in found.chunks] == ["role", "reasoning", "content", "content"]
    assert found.usage == openai_sse.Usage(9, 2, 4)
    assert (found.finish_reason, found.done, found.error) == ("stop", False, None)


def test_an_error_instead_of_a_stream_by_hand() -> None:
    found = openai_sse.parse('{"error":{"message":"The model `x` does not exist.","code":404}}')
    assert (found.chunks, found.error) == ((), "The model `x` does not exist.")


LISTS = {
    "by hand: llama-server, its context is in meta": (
        '{"models":[{"name":"q"}],"object":"list","data":[{"id":"q","owned_by":"llamacpp",'
        '"meta":{"n_ctx":8192,"n_ctx_train":131072}}]}',
        (vllm_models.Model("q", None, 8192, "llamacpp"),),
    ),
    "by hand: Ollama without models": ('{"object":"list","data":null}', ()),
    "by hand: LiteLLM": (
        '{"data":[{"id":"a","object":"model","created":1677610602,"owned_by":"openai"},'
        '{"id":"b"}],"object":"list"}',
        (
            vllm_models.Model("a", None, None, "openai", None, 1677610602),
            vllm_models.Model("b"),
        ),
    ),
    "by hand: an adapter and its base, with headers": (
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"object":"list","data":['
        '{"id":"base","root":"org/base","max_model_len":4096},'
        '{"id":"lora","root":"/l","parent":"base","max_model_len":null}]}',
        (
            vllm_models.Model("base", "org/base", 4096),
            vllm_models.Model("lora", "/l", None, None, "base"),
        ),
    ),
    "by hand: unauthorized": ('{"error":"Unauthorized"}', None),
    "by hand: an entry without id": ('{"data":[{"id":"a"},{"name":"b"}]}', None),
    "by hand: a page of a proxy": ("<html>502</html>", None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LISTS.values(), ids=LISTS)
def test_lists_of_models(text: str, expected: tuple[vllm_models.Model, ...] | None) -> None:
    assert vllm_models.parse(text) == expected


PS = """NAME             ID              SIZE      PROCESSOR          CONTEXT    UNTIL
llama3.2:3b      a80c4f17acd5    4.0 GB    25%/75% CPU/GPU    4096       4 minutes from now
phi4-mini:x      78fad5d182a7    3.2 GB    100% CPU           8192       Stopping...
old:latest       78fad5d182a8    512 MiB    100% GPU     Forever
"""


def test_ollama_ps_by_hand() -> None:
    found = ollama.parse_ps(PS)
    assert [(one.name, one.size_bytes, one.gpu_share, one.context_length) for one in found] == [
        ("llama3.2:3b", 4_000_000_000, 0.75, 4096),
        ("phi4-mini:x", 3_200_000_000, 0.0, 8192),
        ("old:latest", 512 * 1024**2, 1.0, None),
    ]


def test_ollama_ps_by_hand_partly_on_the_cpu_and_empty() -> None:
    (one,) = ollama.parse_ps('{"models":[{"name":"a","size":8,"size_vram":2}]}')
    assert (one.gpu_share, one.context_length) == (0.25, None)
    assert ollama.parse_ps('{"models":[]}') == ollama.parse_ps('{"models":[{"na') == ()


def test_ollama_by_hand_a_list_and_a_ps_in_one_output() -> None:
    text = f"NAME    ID    SIZE    MODIFIED\nq:1b    8f68893c685c    1.4 GB    7 months ago\n\n{PS}"
    assert ollama.parse(text) == (
        ollama.Stored("q:1b", 1_400_000_000, "8f68893c685c", "7 months ago"),
    )
    assert len(ollama.parse_ps(text)) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"response":"a","done":false}\n{"response":"","done":true,"eval_count":50,'
         '"eval_duration":2000000000}\n', {"eval_count": 50, "tokens_per_second": 25.0}),
        ("hi\n\ntotal duration:       1m2.5s\nload duration:        50ms\n"
         "prompt eval count:    26 token(s)\nprompt eval duration: 130µs\n"
         "eval count:           100 token(s)\neval duration:        2.5s\n"
         "eval rate:            40.00 tokens/s\n",
         {"eval_count": 100, "tokens_per_second": 40.0, "total_duration_ns": 62_500_000_000,
          "prompt_eval_duration_ns": 130_000, "prompt_eval_count": 26}),
        ('{"error":"model \\"x\\" not found, try pulling it first"}',
         {"error": 'model "x" not found, try pulling it first'}),
        ("Error: could not connect to ollama app, is it running?\n",
         {"error": "could not connect to ollama app, is it running?"}),
        ('{"version":"0.12.3"}', {"version": "0.12.3", "error": None}),
        ("ollama version is 0.12.3\nWarning: client version is 0.12.4\n", {"version": "0.12.3"}),
    ],
    ids=lambda value: "by hand" if isinstance(value, str) else "",
)  # fmt: skip
def test_ollama_answers(text: str, expected: dict[str, object]) -> None:
    found = facts("ollama", text)
    assert {name: found.get(name) for name in expected} == expected


SCRAPE = """vllm:num_requests_running{engine="0",model_name="a b } c"} 2.0
vllm:num_requests_running{engine="1",model_name="x\\"y"} 3.0
vllm:gpu_cache_usage_perc{engine="0"} 0.9
vllm:kv_cache_usage_perc{engine="0"} 0.25 1714000000000
vllm:kv_cache_usage_perc{engine="1"} 0.5
vllm:prompt_tokens_total{model_name="a"} 7.2873213e+07
vllm:prompt_tokens_created{model_name="a"} 1.7e+09
vllm:gpu_prefix_cache_hits_total{engine="0"} 5.0
vllm:time_to_first_token_seconds_sum NaN
vllm:num_requests_waiting{engine="0"} 1"""


def test_vllm_metrics_by_hand_two_engines_and_a_last_line_that_may_be_cut() -> None:
    found = vllm_metrics.parse(SCRAPE)
    assert (found.running, found.kv_usage, found.model) == (5, 0.5, "a b } c")
    assert (found.prompt_tokens_total, found.prefix_hits) == (72873213, 5)
    assert (found.waiting, found.ttft_sum_s) == (None, None)
    assert vllm_metrics.parse(f"HTTP/1.1 200 OK\r\n\r\n{SCRAPE}\r\n").waiting == 1


LOGS: dict[str, tuple[str, dict[str, object]]] = {
    "by hand: out of memory, in colours, the vague line behind": (
        "\x1b[1;36m(EngineCore_DP0 pid=1)\x1b[0;0m ERROR 01-01 00:00:00 [core.py:1] EngineCore "
        "failed to start.\n(EngineCore_DP0 pid=1) ERROR 01-01 00:00:00 [core.py:1] "
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total "
        "capacity of 44.53 GiB of which 448.00 KiB is free.\nRuntimeError: Engine core "
        "initialization failed. See root cause above.\n",
        {"outcome": "out_of_memory", "total_gib": 44.53, "ready": False},
    ),
    "by hand: a warning about memory of a start that went well": (
        "WARNING 01-01 00:00:00 [x.py:1] if you see CUDA out of memory, lower it\n"
        "INFO:     Application startup complete.\n",
        {"outcome": "ok", "ready": True, "error": None},
    ),
    "by hand: failed, then started well": (
        "INFO 01-01 00:00:00 [api_server.py:1] vLLM API server version 0.9.2\n"
        "ValueError: No available memory for the cache blocks. Try increasing it.\n"
        "INFO 01-01 00:00:09 [api_server.py:1] vLLM API server version 0.9.2\n"
        "INFO:     Application startup complete.\n",
        {"outcome": "ok", "ready": True, "restarted": True, "version": "0.9.2"},
    ),
    "by hand: died after it was ready": (
        "INFO:     Application startup complete.\nERROR 01-01 00:00:00 [c.py:1] RuntimeError: "
        "something new\nvllm.v1.engine.exceptions.EngineDeadError: EngineCore has an issue.\n",
        {"outcome": "failed", "ready": False, "error": "RuntimeError: something new"},
    ),
    "by hand: a request's traceback after it was ready is no failure": (
        "INFO:     Application startup complete.\nTraceback (most recent call last):\nx\n",
        {"outcome": "ok", "ready": True},
    ),
    "by hand: the port is taken": (
        "INFO 01-01 00:00:00 [core.py:1] init engine (profile, create kv cache, warmup model) took "
        "9.5 s (compilation: 4 s)\nOSError: [Errno 98] Address already in use\n",
        {"outcome": "port_in_use", "init_seconds": 9.5},
    ),
    "by hand: longer than the model": (
        "  Value error, User-specified max_model_len (65536) is greater than the derived "
        "max_model_len (max_position_embeddings=32768 or model_max_length=None in model's "
        "config.json).\n",
        {"outcome": "max_model_len_too_large", "derived_max_len": 32768},
    ),
    "by hand: the other card is in use": (
        "ValueError: Free memory on device cuda:0 (2.02/63.59 GiB) on startup is less than desired "
        "GPU memory utilization (0.92, 58.51 GiB).\n",
        {"outcome": "free_memory_too_small", "free_gib": 2.02, "total_gib": 63.59,
         "desired_gib": 58.51, "gpu_memory_utilization": 0.92},
    ),
    "by hand: two workers of V0, and the last report of a run": (
        "INFO 01-01 [w.py:1] the rest of the memory reserved for KV Cache is 7.57GiB.\n"
        "INFO 01-01 [w.py:1] the rest of the memory reserved for KV Cache is 7.57GiB.\n"
        "INFO 01-01 [m.py:1] Avg prompt throughput: 9.0 tokens/s, Avg generation throughput: 50.1 "
        "tokens/s, Running: 3 reqs, Waiting: 0 reqs, GPU KV cache usage: 1.5%, Prefix cache hit "
        "rate: 8.0%\nINFO 01-01 [m.py:1] Avg prompt throughput: 0.0 tokens/s, Avg generation "
        "throughput: 20.5 tokens/s, Running: 1 reqs, Waiting: 2 reqs, GPU KV ca",
        {"kv_available_gib": 7.57, "generation_throughput": 20.5, "running": 1, "waiting": 2,
         "kv_usage_percent": 1.5, "outcome": None},
    ),
    "by hand: a number that is cut is none": (
        "GPU KV cache size: 950,8",
        {"kv_tokens": None, "outcome": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LOGS.values(), ids=LOGS)
def test_vllm_log(text: str, expected: dict[str, object]) -> None:
    found = facts("vllm-log", text)
    assert {name: found[name] for name in expected} == expected


def test_vllm_log_by_hand_typed() -> None:
    found = vllm_log.parse("Available KV cache memory: -0.41 GiB\nAvailable KV cache memory: 2 GiB")
    assert found.kv_available_gib == (-0.41, 2.0)


SERVERS: dict[str, tuple[str, dict[str, object]]] = {
    "by hand: an older health while it loads": (
        '{"status":"loading model"}',
        {"http_status": 503, "status": "loading model", "error": None},
    ),
    "by hand: older slots tell a state": (
        '[{"id":0,"n_ctx":4096,"state":1},{"id":1,"n_ctx":4096,"state":0}]',
        {"slots": 2, "busy": 1, "n_ctx": 4096},
    ),
    "by hand: a log that listens before the model is there": (
        "main: HTTP server is listening, hostname: 127.0.0.1, port: 8080, http threads: 31\n"
        "main: loading model\nsrv    load_model: failed to load model, 'x.gguf'\n"
        "main: exiting due to model loading error\n",
        {"loaded": False, "listening": "http://127.0.0.1:8080",
         "error": "failed to load model, 'x.gguf'"},
    ),
    "by hand: an older log": (
        "srv          init: initializing slots, n_slots = 4\nslot         init: id  0 | task -1 | "
        "new slot n_ctx_slot = 2048\nload_tensors: offloaded 33/37 layers to GPU\n"
        "main: model loaded\nmain: server is listening on http://0.0.0.0:8080 - starting the main "
        "loop\n",
        {"loaded": True, "listening": "http://0.0.0.0:8080", "n_slots": 4, "n_ctx_slot": 2048,
         "offloaded_layers": 33, "layers": 37, "error": None},
    ),
    "by hand: its own completion": (
        '{"content":"a","stop":true,"stop_type":"limit","tokens_predicted":4,'
        '"timings":{"prompt_n":2,"predicted_n":4,"predicted_per_second":8.5}}',
        {"predicted_n": 4, "predicted_per_second": 8.5, "finish_reason": "limit"},
    ),
    "by hand: models of a router": (
        '{"object":"list","data":[{"id":"a","status":{"value":"loaded"}},'
        '{"id":"b","status":{"value":"unloaded"}}]}',
        {"ids": ["a", "b"], "states": ["loaded", "unloaded"], "http_status": 200},
    ),
    "by hand: wrong key, with headers": (
        'HTTP/1.1 401 Unauthorized\r\nServer: llama.cpp\r\n\r\n{"error":{"code":401,"message":'
        '"Invalid API Key","type":"authentication_error"}}',
        {"http_status": 401, "error": "Invalid API Key", "type": "authentication_error"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SERVERS.values(), ids=SERVERS)
def test_llama_server(text: str, expected: dict[str, object]) -> None:
    found = facts("llama-server", text)
    assert {name: found.get(name) for name in expected} == expected


def test_llama_server_by_hand_props_are_typed() -> None:
    text = '{"default_generation_settings":{"n_ctx":4096},"total_slots":1,"model_path":"/m.gguf"}'
    props = llama_server.parse(text).props
    assert props is not None
    assert (props.n_ctx_per_slot, props.total_slots, props.model_path) == (4096, 1, "/m.gguf")


def test_mlx_lm_by_hand_an_answer_that_quotes_figures() -> None:
    end = "Prompt: 12 tokens, 30.5 tokens-per-sec\nGeneration: 9 tokens, 8.25 tokens-per-sec\n"
    quoted = end.replace("12", "99").replace("9 tokens, 8", "7 tokens, 6")
    found = mlx_lm.parse(f"==========\n{quoted}==========\n{end}Peak memory: 4.500 GB\n").generated
    assert found == mlx_lm.Generated(12, 30.5, 9, 8.25, 4.5)


def test_mlx_lm_by_hand_a_benchmark_that_is_cut() -> None:
    trial = "Trial 1:  prompt_tps=133.651, generation_tps=25.547, peak_memory=8.976, total_time=8.9"
    found = mlx_lm.parse(
        f"$ mlx_lm.benchmark --model org/m -p 512\n{trial}84\nAverages: prompt_tps=1"
    )
    assert found.benchmark is not None
    assert (len(found.benchmark.trials), found.benchmark.averages) == (1, None)
    assert facts("mlx-lm", "$ mlx_lm.benchmark --model org/m\n" + trial)["model"] == "org/m"


def test_mlx_lm_by_hand_why_it_failed() -> None:
    text = 'Traceback (most recent call last):\n  File "x"\nModuleNotFoundError: No module\n'
    assert mlx_lm.parse(text).error == "ModuleNotFoundError: No module"


TREE = """[{"type":"directory","oid":"d","size":0,"path":"onnx"},
{"type":"file","oid":"a","size":12,"path":"config.json"},
{"type":"file","oid":"b","size":134,"path":"m.safetensors","lfs":{"oid":"ff","size":250000000,"pointerSize":134}}]"""


def test_huggingface_by_hand_a_tree_with_the_size_of_a_pointer() -> None:
    assert huggingface.parse(TREE).files == (
        huggingface.File("config.json", 12, None, "a"),
        huggingface.File("m.safetensors", 250_000_000, "ff", "b"),
    )
    assert facts("huggingface", TREE)["bytes_lfs"] == 250_000_000


def test_huggingface_by_hand_an_index_with_a_float_and_a_missing_shard() -> None:
    text = '{"metadata":{"total_size":1.5e9},"weight_map":{"a":"m-00001-of-00003.safetensors"}}'
    index = huggingface.parse(text).index
    assert index is not None
    assert (index.total_size, len(index.shards), index.shards_named) == (1_500_000_000, 1, 3)


def test_huggingface_by_hand_refused() -> None:
    found = huggingface.parse('{"error":"Access to model x/y is restricted."}')
    assert (found.error, found.files, found.index) == (
        "Access to model x/y is restricted.",
        None,
        None,
    )


HOSTILE: tuple[str, ...] = (
    "[" * 100_000,
    '{"a":' * 50_000,
    '{"a":\n' * 20_000,
    "[  " * 50_000,
    "[SUM]" + " " * 100_000,
    "a" * 200_000,
    "min/" * 40_000,
    "| " * 60_000 + "t/s | test |",
    "vllm:x{" + 'a="' * 50_000,
    '"total_duration"' * 20_000,
    "max_model_len " * 20_000,
    "9" * 100_000,
    '{"eval_count": 1' + "0" * 3000 + ', "eval_duration": 1' + "0" * 2000 + "}",
    '{"models": [null, 1, {"name": 5}], "data": [[]], "choices": [[]], "usage": [], "timings": 1}',
    'data: {"choices": [{"delta": 5, "text": {}}], "usage": {"prompt_tokens": 1e999}}',
    "build_commit,n_prompt,n_gen\n" + '"' * 9999,
    "HTTP/1.1 200 OK\r\n" * 5000,
    "\ud800\udfff\x00²٣" * 5000,
)


@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_texts_by_hand_are_read_in_time(family: str) -> None:
    for text in HOSTILE:
        begun = time.monotonic()
        json.dumps(facts(family, text))
        assert time.monotonic() - begun < 5, text[:40]


WORDS = (
    *("data: ", "[DONE]", '{"a":', "}", "[", "]", "\n", "\r", " ", "|", "t/s", "test", "± 1", "%"),
    *("nan", "-1", "1e999", "٣", "\ud800", "\x00", "vllm:x 1", "Trial 1:", "eval_count", '"', ","),
    *("HTTP/1.1 200", "[SUM] 0.00-1.00 sec 1 KBytes 1.2.3 bits/sec", "3 packets, 2, 1%", "min/ = "),
)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=9)), max_size=30))
def test_no_text_raises(parts: list[str]) -> None:
    found: dict[str, Any] = {family: facts(family, "".join(parts)) for family in FAMILIES}
    json.dumps(found, allow_nan=False)
