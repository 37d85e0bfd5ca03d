"""Headers on every answer that keep a browser from doing anything with it but show it."""

from collections.abc import Iterable

Header = tuple[bytes, bytes]

ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    # An address holds the token of an image.
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
NOTHING = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
# The documentation of FastAPI begins with a script in its page.
_DOCUMENTATION = (
    b"content-security-policy",
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    b" img-src 'self' data:; worker-src blob:; object-src 'none'; base-uri 'none';"
    b" frame-ancestors 'none'",
)


def guarded(path: str, given: Iterable[Header]) -> list[Header]:
    """The headers `given` to the answer at `path`, and ours; a policy of its own is kept."""
    headers = [*given, *ALWAYS]
    if not any(name == NOTHING[0] for name, _ in headers):
        headers.append(_DOCUMENTATION if path in ("/docs", "/redoc") else NOTHING)
    return headers
