"""A verification with all in it that can be drawn, and with words that no host should say."""

from __future__ import annotations

from magnusctl.report import Measure, Result, Verdict, Verified, Way

PASS, WARN, FAIL = Verdict.PASS, Verdict.WARN, Verdict.FAIL
SKIP, UNKNOWN = Verdict.SKIP, Verdict.UNKNOWN
HOSTILE = "<script>alert(1)</script>&\x1b[31m\x07\udcff'\"‮"
REMEDY = "Reseat the card, take out a riser, or use the first slot."
RESULTS = (
    Result("rtx3090", "reachable", PASS, "as root"),
    Result("rtx3090", "cuda.pcie", FAIL, "width x4 of x16", "x16", REMEDY),
    Result("rtx3090", "cuda.power", WARN, "limit 350 W", "290 W", "magnusctl provision -l rtx3090"),
    Result("rtx3090", "cuda.driver", PASS, "580.95.05, module and library agree"),
    Result("rtx3090", "checks.hostile", FAIL, HOSTILE, HOSTILE, HOSTILE),
    Result(
        "rtx3090",
        "ping macmini",
        PASS,
        "10.0.0.1: 0 % lost, 0.2 ms",
        "0 % lost",
        measure=Measure(0.2, "ms", higher=False),
        way=Way("ping", "10g", "rtx3090", "macmini"),
    ),
    Result(
        "rtx3090",
        "mtu macmini",
        PASS,
        "9000 bytes",
        "9000 bytes",
        way=Way("mtu", "10g", "rtx3090", "macmini"),
    ),
    Result(
        "rtx3090",
        "tokens.primary.decode",
        PASS,
        "52.1 tok/s ±0.8",
        "≥ 45 tok/s, predicted 54",
        measure=Measure(52.1, "tok/s"),
    ),
    Result(
        "rtx3090",
        "tokens.primary.first-token",
        PASS,
        "84.0 ms ±3.0",
        "≤ 100 ms",
        measure=Measure(84.0, "ms", higher=False),
    ),
    Result("macmini", "reachable", PASS, "as admin"),
    Result("macmini", "network.link-thunderbolt", SKIP, "no cable in any of 3 Thunderbolt ports"),
    Result(
        "macmini",
        "tokens.complex.decode",
        FAIL,
        "6.50 tok/s ±0.01",
        "≥ 15 tok/s, predicted 7",
        "Memory bandwidth lets expect 7 tok/s at most: take a smaller model or fewer bits.",
        Measure(6.5, "tok/s"),
    ),
    Result("m2pro", "reachable", PASS, "as me"),
    Result("linode", "reachable", UNKNOWN, "it said nothing", remedy="Is it on?"),
    Result(
        "link 10g",
        "rtx3090 → macmini",
        PASS,
        "9.41 Gbit/s",
        "9.40 Gbit/s",
        measure=Measure(9.41, "Gbit/s"),
        way=Way("rate", "10g", "rtx3090", "macmini"),
    ),
    Result(
        "link 10g",
        "macmini → rtx3090",
        FAIL,
        "9.39 Gbit/s",
        "9.40 Gbit/s",
        "Check the MTU on both ends, the cable, and the PCIe width of the card.",
        Measure(9.39, "Gbit/s"),
        Way("rate", "10g", "macmini", "rtx3090"),
    ),
    Result(
        "link thunderbolt",
        "macmini - m2pro",
        SKIP,
        "no iperf3 on m2pro",
        way=Way("rate", "thunderbolt", "macmini", "m2pro"),
    ),
)
VERIFIED = Verified(RESULTS, ("macmini",), 38.2)
