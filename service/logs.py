"""Access log records in, the same with image tokens cut short out."""

import logging
import re

_TOKEN = re.compile(r"(image=[\w-]{12})[\w-]+")


class ShortTokens(logging.Filter):
    """Keeps the first characters of a token: enough to tell two apart."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                shorten(value) if isinstance(value, str) else value for value in record.args
            )
        return True


def shorten(address: str) -> str:
    """`address` with the tokens in it cut short."""
    return _TOKEN.sub(r"\1…", address)
