"""Files from the network into a folder, each gone on with where a cut left it, each proved."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib import error, request
from urllib.parse import unquote, urlsplit, urlunsplit

from magnusctl import __version__
from magnusctl.errors import ConflictError, InputError, MagnusError, PreconditionError, Unreachable

TIMEOUT_S = 60.0
_PIECE = 1 << 20
_TRIES, _IDLE_TRIES = 100, 5
_LARGEST_PAGE = 64 << 20
_LARGEST = 64 << 30
"""Bytes of a file whose size nobody declared."""
_CUT = (*(error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError),)
Told = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """A file by its digest; `size` in bytes where it is declared; the token is for its host."""

    url: str
    sha256: str
    size: int | None = None
    token: str = ""


def sha256_of(path: Path) -> str:
    """The digest of a file. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def fetch(wanted: Wanted, cache: Path, told: Told) -> Path:
    """The file, in a folder where each is called by its digest. Raises MagnusError."""
    whole, part = cache / wanted.sha256, cache / f"{wanted.sha256}.part"
    try:
        if whole.is_file() and sha256_of(whole) == wanted.sha256:
            return whole
        whole.unlink(missing_ok=True)
        for last in (False, True):
            _bring(wanted, part, told)
            got = sha256_of(part)
            if got == wanted.sha256:
                return part.replace(whole)
            part.unlink()
            _wrong(wanted, got, told, last=last)
    except OSError as fault:
        raise _disk(fault, cache) from None
    raise AssertionError("the last try raises")


def _wrong(wanted: Wanted, got: str, told: Told, *, last: bool) -> None:
    """Once it may be an accident on the way."""
    where = shown(wanted.url)
    if not last:
        told(f"{where} came with other bytes: it is fetched once more")
        return
    message = f"it has the SHA-256 {got}, and {wanted.sha256} is declared"
    hint = "It came so twice. Nothing of it is used: is the declared digest of this very file?"
    raise ConflictError(message, where=where, hint=hint)


def _bring(wanted: Wanted, part: Path, told: Told) -> None:
    """All bytes of a file, in as many requests as that takes."""
    idle = 0
    for _ in range(_TRIES):
        before = part.stat().st_size if part.exists() else 0
        if wanted.size is not None and before >= wanted.size > 0:
            return
        try:
            if _more(wanted, part, before):
                return
            why = "the connection ended early"
        except _CUT as fault:
            if before and isinstance(fault, error.HTTPError) and fault.code == 416:
                return  # Nothing comes after what is here: its digest tells what that is.
            why = _why(fault, wanted)
        idle = 0 if part.exists() and part.stat().st_size > before else idle + 1
        if idle == _IDLE_TRIES:
            break
        told(f"{shown(wanted.url)}: {why}; going on")
        time.sleep(idle)
    hint = "Run the same command again: what has come so far is kept."
    raise Unreachable(f"cannot be fetched: {why}", where=shown(wanted.url), hint=hint)


def _more(wanted: Wanted, part: Path, offset: int) -> bool:
    """Ask for what is missing, and write it down; whether all of it came."""
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    with opened(wanted.url, headers, wanted.token) as answer:
        goes_on = answer.status == 206 and f"bytes {offset}-" in (
            answer.headers["Content-Range"] or ""
        )
        offset = offset if goes_on else 0
        length = answer.headers["Content-Length"]
        total = offset + int(length) if (length or "").isdecimal() else None
        most = _LARGEST if wanted.size is None else wanted.size
        if total is not None and (total > most or (wanted.size is not None and total < most)):
            message = (
                f"it has {total} bytes, and {wanted.size or 'at most ' + str(most)} are declared"
            )
            raise ConflictError(message, where=shown(wanted.url), hint="Nothing of it is used.")
        held = offset
        with part.open("ab" if offset else "wb") as target:
            while held <= most and (piece := answer.read(_PIECE)):
                target.write(piece)
                held += len(piece)
    return held == total if total is not None else wanted.size in (None, held)


def page(url: str, accept: str) -> tuple[str, str, str] | None:
    """A page with its kind and the address that it came from; nothing where there is none.

    Raises MagnusError.
    """
    why = ""
    for attempt in range(_IDLE_TRIES):
        time.sleep(attempt)
        try:
            with opened(url, {"Accept": accept}) as answer:
                data = answer.read(_LARGEST_PAGE + 1)
                kind = answer.headers.get_content_type()
                if len(data) > _LARGEST_PAGE:
                    raise InputError(
                        "this is no page of an index: it is too large", where=shown(url)
                    )
                return data.decode("utf-8", "replace"), kind, answer.url
        except _CUT as fault:
            if isinstance(fault, error.HTTPError) and fault.code in (404, 410):
                return None
            why = _why(fault, Wanted(url, ""))
    hint = "Is this machine online? Run the same command again: what has come so far is kept."
    raise Unreachable(f"cannot be asked: {why}", where=shown(url), hint=hint)


def opened(url: str, headers: dict[str, str], token: str = "") -> Any:
    """The answer to a GET. A token, or a name and password in the URL, goes to its host alone."""
    plain, login = _without_login(url)
    if urlsplit(plain).scheme not in ("http", "https"):
        raise InputError("only http and https are fetched from here", where=shown(url))
    wanted = request.Request(plain, headers={"User-Agent": f"magnusctl/{__version__}", **headers})
    # What was packed for the way has another digest.
    wanted.add_header("Accept-Encoding", "identity")
    if token:
        login = f"Bearer {token}"
    if login:
        wanted.add_unredirected_header("Authorization", login)
    return request.build_opener(_SameHost()).open(wanted, timeout=TIMEOUT_S)


class _SameHost(request.HTTPRedirectHandler):
    """A login follows a redirect only within its own host."""

    def redirect_request(  # type: ignore[no-untyped-def]
        self, req: request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ):
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        login = req.unredirected_hdrs.get("Authorization")
        if found and login and urlsplit(newurl)[:2] == urlsplit(req.full_url)[:2]:
            found.add_unredirected_header("Authorization", login)
        return found


def _without_login(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, ""
    login, _, host = parts.netloc.rpartition("@")
    words = b64encode(unquote(login).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), f"Basic {words}"


def shown(url: str) -> str:
    """A URL without what only its host may know."""
    return _without_login(url)[0].partition("?")[0]


def _why(fault: Exception, wanted: Wanted) -> str:
    """Why to try again; what no further try can help is raised."""
    if not isinstance(fault, error.HTTPError):
        reason = getattr(fault, "reason", fault)
        return str(getattr(reason, "strerror", None) or reason or type(fault).__name__)
    if fault.code in (408, 425, 429) or fault.code >= 500:
        return f"it answers {fault.code}"
    raise _refused(fault.code, wanted) from None


def _refused(code: int, wanted: Wanted) -> MagnusError:
    where = shown(wanted.url)
    if code in (401, 403):
        hint = "Is HF_TOKEN still valid, and was the licence accepted?" if wanted.token else ""
        hint = hint or "If it wants a login: HF_TOKEN for a hub, NAME:PASSWORD@ in an index's URL."
        return PreconditionError(f"it answers {code}", where=where, hint=hint)
    if code == 416:
        hint = "Nothing of it is used: is the declared size of this very file?"
        return ConflictError("it has fewer bytes than are declared", where=where, hint=hint)
    hint = "Is this what the inventory should name? Nothing was written."
    return InputError(f"it is not there: it answers {code}", where=where, hint=hint)


def _disk(fault: OSError, cache: Path) -> MagnusError:
    hint = "What has come so far is kept: run the same command again."
    if fault.errno == errno.ENOSPC:
        return PreconditionError("the disk is full", where=str(cache), hint=hint)
    message = f"cannot write: {fault.strerror or os.strerror(fault.errno or 0)}"
    return InputError(message, where=str(fault.filename or cache), hint=hint)
