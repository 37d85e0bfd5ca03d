"""Adds headers that restrict what a browser may do with an answer (CSP, nosniff, no-referrer)."""

from collections.abc import Iterable

Header = tuple[bytes, bytes]

ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    # An address contains the token of an image: it is not sent to other sites.
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
DEFAULT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
# FastAPI's documentation has an inline script in its page.
_DOCS_POLICY = (
    b"content-security-policy",
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    b" img-src 'self' data:; worker-src blob:; object-src 'none'; base-uri 'none';"
    b" frame-ancestors 'none'",
)


def add(path: str, given: Iterable[Header]) -> list[Header]:
    """The headers `given` to the answer at `path`, and ours; a policy among them is kept."""
    headers = [*given, *ALWAYS]
    if not any(name == DEFAULT_POLICY[0] for name, _ in headers):
        headers.append(_DOCS_POLICY if path in ("/docs", "/redoc") else DEFAULT_POLICY)
    return headers
