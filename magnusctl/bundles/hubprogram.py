"""Files that the hub gives to its own program only."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

from magnusctl.bundles.fetch import Wanted, sha256_of, shown
from magnusctl.errors import ConflictError, MagnusError, Unreachable

PLAIN_BYTES = 48 * 10**9
"""Larger ones it gives over plain HTTP to nobody."""
_FILE = re.compile(r"(https?://[^/]+)/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


def is_for(wanted: Wanted) -> bool:
    """Whether a file is so large, and of a hub."""
    return (wanted.size or 0) > PLAIN_BYTES and _FILE.fullmatch(wanted.url) is not None


def fetch(wanted: Wanted, cache: Path) -> Path:
    """The file, in a folder where each is called by its digest. Raises MagnusError."""
    from huggingface_hub import hf_hub_download

    whole, folder = cache / wanted.sha256, cache / f"{wanted.sha256}.hub"
    if whole.is_file() and sha256_of(whole) == wanted.sha256:
        return whole
    found = _FILE.fullmatch(wanted.url)
    assert found is not None
    try:
        came = hf_hub_download(
            found[2],
            unquote(found[4]),
            revision=found[3],
            endpoint=found[1],
            token=wanted.token or False,
            local_dir=folder,
        )
    except MagnusError:
        raise
    except Exception as fault:
        # Its library has some dozens of them, and all mean that the file did not come.
        hint = "Run the same command again."
        message = f"the hub's own program could not fetch it: {type(fault).__name__}"
        raise Unreachable(message, where=shown(wanted.url), hint=hint) from None
    if sha256_of(Path(came)) != wanted.sha256:
        shutil.rmtree(folder, ignore_errors=True)
        message = "it came with other bytes than are pinned"
        raise ConflictError(message, where=shown(wanted.url), hint="Nothing of it is used.")
    Path(came).replace(whole)
    shutil.rmtree(folder, ignore_errors=True)
    return whole
