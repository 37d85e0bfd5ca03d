"""A file of names and digests becomes the API keys that are accepted."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.errors import KeyFileError

PREFIX = "convlens_"
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_LINE = re.compile(r"([\w.-]{1,64})\s+([0-9a-f]{64})", re.ASCII)


def make() -> str:
    """A new key of 256 random bits, which makes a salt and a slow hash unnecessary."""
    return PREFIX + secrets.token_urlsafe(32)


def line(name: str, key: str) -> str:
    """The line of a key file for `key`: its digest, and the `name` that logs show."""
    if not _NAME.fullmatch(name):
        raise KeyFileError(
            f"A key's name has 1 to 64 letters, digits, dots or dashes, not {name!r}"
        )
    return f"{name} {_digest(key).hex()}\n"


@dataclass(frozen=True, slots=True)
class Keys:
    """The SHA-256 digests of all accepted keys, each with the name of its holder."""

    holders: tuple[tuple[bytes, str], ...]

    @classmethod
    def read(cls, path: Path) -> "Keys":
        """The keys of the file `path`; raises KeyFileError."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as problem:
            raise KeyFileError(f"The key file cannot be read: {problem}") from problem
        holders = []
        for number, text in enumerate(lines, 1):
            if not text.strip() or text.startswith("#"):
                continue
            if (found := _LINE.fullmatch(text.strip())) is None:
                raise KeyFileError(
                    f"{path}, line {number}: not a name and a digest. Make one by `convlens key`."
                )
            holders.append((bytes.fromhex(found[2]), found[1]))
        if not holders:
            raise KeyFileError(f"{path} holds no key, so nobody could come in.")
        return cls(tuple(holders))

    def holder(self, key: str) -> str | None:
        """The name of the holder of `key`, or None; takes the same time for every key."""
        digest, found = _digest(key), None
        for known, name in self.holders:
            if hmac.compare_digest(known, digest):
                found = name
        return found


def from_headers(headers: Mapping[str, str]) -> str | None:
    """The key of a request: a bearer token, `X-API-Key`, or the password of Basic auth."""
    if (key := headers.get("x-api-key")) is not None:
        return key
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
