"""Counts the requests of a key or an address against the rate; beyond it raises TooMany."""

import asyncio
import math
import sqlite3
import time
import weakref
from typing import cast
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from service.errors import TooMany

_TABLE = """CREATE TABLE IF NOT EXISTS counts (
    key TEXT PRIMARY KEY, count INTEGER NOT NULL, ends REAL NOT NULL
) WITHOUT ROWID"""

# A window that has ended begins anew; RETURNING makes reading and writing one step.
_COUNT = """INSERT INTO counts VALUES (:key, :amount, :ends)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN ends <= :now THEN :amount ELSE count + :amount END,
    ends = CASE WHEN ends <= :now THEN :ends ELSE ends END
RETURNING count"""


class SharedFile(Storage):
    """A store for the `limits` library: SQLite in memory-backed files, `shared:///path`."""

    STORAGE_SCHEME = ["shared"]  # noqa: RUF012

    def __init__(self, uri: str, wrap_exceptions: bool = False, **_: object) -> None:
        super().__init__(uri, wrap_exceptions)
        self._file = sqlite3.connect(
            urlsplit(uri).path, timeout=1, isolation_level=None, check_same_thread=False
        )
        self._file.execute("PRAGMA journal_mode = WAL")
        # From 3.13 on Python warns of a connection that nobody closes.
        weakref.finalize(self, self._file.close)
        # A count may be lost with the machine.
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(_TABLE)
        self._swept = time.time()

    @property
    def base_exceptions(self) -> type[Exception]:
        return sqlite3.Error

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        self._sweep(now)
        values = {"key": key, "amount": amount, "now": now, "ends": now + expiry}
        (count,) = self._file.execute(_COUNT, values).fetchone()
        return int(count)

    def get(self, key: str) -> int:
        row = self._row(key)
        return 0 if row is None else int(row[0])

    def get_expiry(self, key: str) -> float:
        row = self._row(key)
        return time.time() if row is None else float(row[1])

    def check(self) -> bool:
        return bool(self._file.execute("SELECT 1").fetchone() == (1,))

    def reset(self) -> int | None:
        return self._file.execute("DELETE FROM counts").rowcount

    def clear(self, key: str) -> None:
        self._file.execute("DELETE FROM counts WHERE key = ?", (key,))

    def _row(self, key: str) -> tuple[int, float] | None:
        asked = "SELECT count, ends FROM counts WHERE key = ? AND ends > ?"
        row: tuple[int, float] | None = self._file.execute(asked, (key, time.time())).fetchone()
        return row

    def _sweep(self, now: float) -> None:
        """Forget who has not come for a while: there are very many addresses."""
        if now - self._swept > 60:
            self._swept = now
            self._file.execute("DELETE FROM counts WHERE ends <= ?", (now,))


class Rate:
    """At most so many requests for each holder of a key or each address."""

    def __init__(self, rule: str, storage: str) -> None:
        """Raises ValueError with what is wrong in `rule` or `storage`."""
        self._items: list[RateLimitItem] = parse_many(rule)
        try:
            self._storage = cast(Storage, storage_from_string(storage))
        except ConfigurationError as problem:
            raise ValueError(str(problem)) from problem
        self._limiter = FixedWindowRateLimiter(self._storage)
        # The others ask another machine; these are faster than the hop to a thread.
        self._is_near = isinstance(self._storage, SharedFile) or storage.startswith("memory")

    async def check(self, who: str) -> None:
        """Count one request of `who`; TooMany says when to come again."""
        if self._is_near:
            self._count(who)
        else:
            await asyncio.to_thread(self._count, who)

    def _count(self, who: str) -> None:
        for item in self._items:
            if not self._limiter.hit(item, who):
                left = self._limiter.get_window_stats(item, who).reset_time - time.time()
                raise TooMany(f"At most {item} are answered.", max(1, math.ceil(left)))
