"""Sizes, speeds and times as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

_NUMBER = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([A-Za-z/]+)", re.ASCII)
_DECIMAL = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_BYTES = {f"{prefix}B": factor for prefix, factor in _DECIMAL.items()} | {
    f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTP", start=1)
}
_BITS = {f"{prefix}bit/s": factor for prefix, factor in _DECIMAL.items()}
_SECONDS: Mapping[str, int | Decimal] = {
    "ms": Decimal("0.001"),
    "s": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "d": 86400,
}


def parse_bytes(value: object) -> int:
    """`24GiB` is 24 * 1024**3 bytes, `500GB` is 500 * 1000**3. Raises ValueError otherwise."""
    return round(_scaled(value, _BYTES, "a size with its unit, as '24GiB' or '500GB'"))


def parse_bits_per_second(value: object) -> int:
    """`10Gbit/s` is 10 * 1000**3 bit/s. Raises ValueError otherwise."""
    return round(_scaled(value, _BITS, "a speed with its unit, as '10Gbit/s'"))


def parse_seconds(value: object) -> float:
    """`90s` is 90 seconds; ms, s, m, h and d are known. Raises ValueError otherwise."""
    return float(_scaled(value, _SECONDS, "a time with its unit, as '90s' or '10m'"))


def _scaled(value: object, units: Mapping[str, int | Decimal], wanted: str) -> Decimal:
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or match[2] not in units:
        raise ValueError(f"expected {wanted}")
    found = Decimal(match[1]) * units[match[2]]
    if not found:
        raise ValueError("must be more than zero")
    return found


def _schema(units: Mapping[str, int | Decimal]) -> WithJsonSchema:
    names = "|".join(re.escape(name) for name in units)
    return WithJsonSchema({"type": "string", "pattern": rf"^\d+(\.\d+)?\s*({names})$"})


PARSED: Mapping[str, bool] = {"parsed": True}
"""The context in which values that were read once are validated anew: they have no units left."""


def _read_by(parse: Callable[[object], Any]) -> BeforeValidator:
    def read(value: object, info: ValidationInfo) -> Any:
        again = isinstance(value, int | float) and (info.context or {}).get("parsed")
        return value if again else parse(value)

    return BeforeValidator(read)


Bytes = Annotated[int, _read_by(parse_bytes), _schema(_BYTES)]
BitsPerSecond = Annotated[int, _read_by(parse_bits_per_second), _schema(_BITS)]
Seconds = Annotated[float, _read_by(parse_seconds), _schema(_SECONDS)]


def format_bits_per_second(speed: int) -> str:
    """The shortest exact form: 10_000_000_000 is `10Gbit/s`."""
    for prefix in "TGMk":
        if speed >= _DECIMAL[prefix] and speed % _DECIMAL[prefix] == 0:
            return f"{speed // _DECIMAL[prefix]}{prefix}bit/s"
    return f"{speed}bit/s"


def format_bytes(size: int) -> str:
    """The shortest exact form: 25_769_803_776 is `24GiB`, 500_000_000_000 is `500GB`."""
    for name, factor in sorted(_BYTES.items(), key=lambda pair: (-pair[1], pair[0])):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{name}"
    return f"{size}B"


def systemd_size(size: int) -> str:
    """As systemd and Redis write it, to the base 1024: 2_147_483_648 is `2G`."""
    for power, name in reversed([*enumerate("KMGT", start=1)]):
        if size >= 1024**power and size % 1024**power == 0:
            return f"{size // 1024**power}{name}"
    return str(size)


def plain_number(value: float) -> str:
    """Without a fraction where there is none: 30.0 is `30`."""
    return f"{value:.10g}"
