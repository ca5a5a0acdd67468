"""Secrets come with the files whose text has a place for them, and with nothing else."""

from __future__ import annotations

from dataclasses import fields, replace

from magnusctl.errors import InputError
from magnusctl.quote import secrets_in, shown
from magnusctl.resources.file import File
from magnusctl.roles.context import Context
from magnusctl.state import Resource


def with_secrets(resource: Resource, context: Context) -> Resource:
    """The resource with the secrets of its content. Raises InputError where none may be."""
    for name in (field.name for field in fields(resource)):
        value = getattr(resource, name)
        found = secrets_in(value) if isinstance(value, str) else ()
        if not found:
            continue
        if not (isinstance(resource, File) and name == "content"):
            message = f"{shown(resource.id)} has the secret {found[0]} in '{name}'"
            raise InputError(message, hint="A secret can be in the text of a file only.")
        secrets = (context.secrets[secret] for secret in found)
        resource = replace(resource, secrets=tuple(dict.fromkeys((*resource.secrets, *secrets))))
    return resource
