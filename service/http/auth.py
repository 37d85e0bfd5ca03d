"""Middleware that answers requests without a valid API key 401, and those past the rate 429."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import NoKey, ServiceError
from service.http import api_keys, problems
from service.http.api_keys import Keys
from service.http.rate_limit import Rate

# Orchestrators send health probes without a key, and the answers reveal nothing.
PUBLIC = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})


class AuthMiddleware:
    """Checks the API key and the rate of every request except health probes.

    Without `keys` every request passes, and rates are counted by address.
    """

    def __init__(self, app: ASGIApp, keys: Keys | None, rate: Rate | None) -> None:
        self._app = app
        self._keys = keys
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PUBLIC:
            try:
                await self._check(scope)
            except ServiceError as refusal:
                await problems.response(scope["path"], refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope) -> None:
        address = (scope.get("client") or ("unknown",))[0]
        client = f"address:{address}"
        if self._keys is not None:
            key = api_keys.from_headers(Headers(scope=scope))
            holder = None if key is None else self._keys.holder(key)
            if holder is None:
                # Wrong keys count too, by the address, which bounds guessing.
                await self._limit(client)
                raise NoKey("This service needs a key: send `Authorization: Bearer KEY`.")
            client = f"key:{holder}"
            scope["convlens.key"] = holder
        await self._limit(client)

    async def _limit(self, client: str) -> None:
        if self._rate is not None:
            await self._rate.check(client)
