"""Where secrets are kept: an inventory names the place, never the value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from magnusctl.inventory.fields import Line, matching
from magnusctl.inventory.strict import Model

PROVIDERS: Mapping[str, str] = {
    "env": "",
    "file": "",
    "age": "identity",
    "sops": "key",
    "op": "",
    "pass": "",
}
"""Every kind of place, with the second key that it needs."""

_File = Annotated[Line, matching(r"[^-].*", "a path")]
SecretName = Annotated[
    str,
    matching(
        r"[A-Za-z_][A-Za-z0-9_.-]{0,62}", "the name of a secret: letters, digits, '_', '.', '-'"
    ),
]


class SecretSpec(Model):
    """Where a secret is: `env`, `file`, `age`, `sops`, `op` or `pass`, and only one of them."""

    model_config = ConfigDict(serialize_by_alias=True)

    env: Annotated[
        Annotated[str, matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable")] | None,
        Field(description="A variable of the environment in which magnusctl runs."),
    ] = None
    file: Annotated[_File | None, Field(description="A file that only its owner may read.")] = None
    age: Annotated[
        _File | None, Field(description="A file encrypted with age; needs `identity`.")
    ] = None
    identity: Annotated[_File | None, Field(description="The file with the key for age.")] = None
    sops: Annotated[_File | None, Field(description="A file encrypted with sops; needs `key`.")] = (
        None
    )
    key: Annotated[
        Annotated[
            str, matching(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", "a key, as 'database.password'")
        ]
        | None,
        Field(description="The value in the file of sops, as `database.password`."),
    ] = None
    op: Annotated[
        Annotated[
            Line, matching(r"op://[^/]+/[^/]+/.*[^/]", "a reference, as 'op://vault/item/field'")
        ]
        | None,
        Field(description="A reference of 1Password, as `op://vault/item/field`."),
    ] = None
    pass_: Annotated[
        Annotated[Line, matching(r"[^-/].*", "the name of an entry, as 'cluster/api'")] | None,
        Field(alias="pass", description="An entry of pass, the password store."),
    ] = None

    @property
    def written(self) -> dict[str, str]:
        """The keys that are written, with what they say."""
        return {str(key): str(value) for key, value in self.model_dump(exclude_none=True).items()}
