"""The roles that a host may have: those that come with magnusctl, and those of the project."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticKnownError

ROLE_NAMES = ("base", "network", "storage", "cuda", "inference", "training", "trading")


def _role(value: Any, info: ValidationInfo) -> str:
    """A built-in role, or one of the project, whose names come with the context."""
    names = (info.context or {}).get("roles", ROLE_NAMES)
    if value in names:
        return str(value)
    *others, last = (f"'{name}'" for name in names)
    raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})


RoleName = Annotated[
    str,
    PlainValidator(_role),
    WithJsonSchema({"anyOf": [{"enum": list(ROLE_NAMES)}, {"type": "string"}]}),
]
