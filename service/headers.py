"""Headers on every answer that keep a browser from doing anything with it but show it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Guarded:
    """Adds the headers; an answer that has a policy of its own keeps it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *ALWAYS]
                if not any(name == NOTHING[0] for name, _ in headers):
                    documentation = scope["path"] in ("/docs", "/redoc")
                    headers.append(_DOCUMENTATION if documentation else NOTHING)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, guarded)
