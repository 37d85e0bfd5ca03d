"""Who may come in, and how often: requests that may pass, or 401 and 429."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import NoKey, ServiceError
from service.http import api_keys, problems
from service.http.api_keys import Keys
from service.http.rate_limit import Rate

# For whatever watches over the process: it has no key, and tells nothing to others.
OPEN = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})


class Gate:
    """Shuts everything but health to requests without a key, and to those that come too often."""

    def __init__(self, app: ASGIApp, keys: Keys | None, rate: Rate | None) -> None:
        self._app = app
        self._keys = keys
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            try:
                await self._admit(scope)
            except ServiceError as refusal:
                await problems.response(scope["path"], refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        address = (scope.get("client") or ("unknown",))[0]
        who = f"address {address}"
        if self._keys is not None:
            key = api_keys.presented(Headers(scope=scope))
            holder = None if key is None else self._keys.holder(key)
            if holder is None:
                # Guesses are counted as well: by the address, for there is no name.
                await self._limit(who)
                raise NoKey("This service needs a key: send `Authorization: Bearer KEY`.")
            who = f"key {holder}"
            scope["convlens.key"] = holder
        await self._limit(who)

    async def _limit(self, who: str) -> None:
        if self._rate is not None:
            await self._rate.check(who)
