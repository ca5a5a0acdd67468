"""Write what is generated from the code: `python -m dev.reference`.

`inventory/schema.json` for editors, and `docs/inventory.md` for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from magnusctl.inventory.starter import schema, schema_text
from magnusctl.inventory.units import format_bytes

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "inventory" / "schema.json"
REFERENCE = ROOT / "docs" / "inventory.md"

HEAD = """\
# The inventory

Generated from the schema by `make docs`; `magnusctl inventory schema` prints the schema itself.

An inventory is one YAML file. It is read strictly: an unknown or duplicate key, a wrong type, a tab
or a name that means nothing is refused with its line and column before anything is contacted.
Numbers and booleans are those of YAML 1.2, so `yes`, `on` and `0644` are no booleans and numbers.
Anchors and aliases work; tags and merge keys (`<<`) do not.

- **Units.** Sizes `24GiB`, `500GB`; speeds `10Gbit/s`; times `90s`. A bare number is refused.
- **Modes** are four octal digits in quotes: `"0644"`.
- **Host ranges.** `gpu[01:16]` is gpu01 to gpu16; `{n}` in their `address` is the number.
- **Variables**, lowest precedence first: the defaults below; `variables` of the inventory; of each
  group, in the order in which groups are written; of the host. Mappings merge key by key; lists and
  plain values replace. `null` takes a sysctl of a lower layer away.
- **Resources** of groups and of the host add up. A role and an inventory may not declare the same
  thing in two ways.
- **Overlays.** `--overlay FILE` lays another file over the inventory: mappings merge, everything
  else replaces.
- **Windows** of time, and what `freeze`, `maintenance` and `protected` do with them:
  [protection.md](protection.md).
- **Secrets** are named here and kept elsewhere: [secrets.md](secrets.md).
- **Roles and checks of your own**: [extending.md](extending.md).
- **ssh.** What is not written here is as your ssh_config says (`ssh -G HOST`), Include, Match and
  ProxyJump too. `ssh: {config: none}` reads none.
"""


def table(name: str, definition: dict[str, Any]) -> Iterator[str]:
    """One section: the keys of an object."""
    yield f"\n## {name}\n"
    if definition.get("description"):
        yield f"{definition['description']}\n"
    yield "| key | type | default | |"
    yield "|---|---|---|---|"
    required = definition.get("required", ())
    for key, value in definition.get("properties", {}).items():
        default = "required" if key in required else shown(key, value)
        note = value.get("description", "").replace("|", "\\|")
        yield f"| `{key}` | {kind(value)} | {default} | {note} |"


def shown(key: str, value: dict[str, Any]) -> str:
    """A default in few characters; that of a section is told in the section."""
    default = value.get("default")
    if default in (None, [], {}, "") or "$ref" in value:
        return ""
    pattern = str(value.get("pattern", ""))
    if "KiB" in pattern and isinstance(default, int):
        return f"`{format_bytes(default)}`"
    if "min" in pattern and isinstance(default, int | float):
        return f"`{default:g}s`"
    if isinstance(default, dict):
        return ", ".join(f"`{key}: {value}`" for key, value in default.items())
    if isinstance(default, list):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def kind(value: dict[str, Any]) -> str:
    """The type of a value, in words."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    for union in ("anyOf", "allOf"):
        if union in value:
            parts = [kind(part) for part in value[union] if part.get("type") != "null"]
            return " or ".join(dict.fromkeys(parts))
    if "enum" in value:
        return ", ".join(f"`{item}`" for item in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if value.get("type") == "array":
        return f"list of {kind(value.get('items', {}))}"
    if value.get("type") == "object" and "additionalProperties" in value:
        return f"name → {kind(value['additionalProperties'])}"
    name = str(value.get("type", "any"))
    return {"boolean": "true or false", "integer": "whole number", "string": "text"}.get(name, name)


def reference() -> str:
    """The whole page."""
    document = schema()
    lines = [HEAD, *table("Inventory", document)]
    for name, definition in sorted(document["$defs"].items()):
        if definition.get("type") == "object":
            lines += table(name, definition)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both files."""
    SCHEMA.write_text(schema_text())
    REFERENCE.write_text(reference())


if __name__ == "__main__":
    main()
