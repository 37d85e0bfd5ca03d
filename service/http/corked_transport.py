"""The head of an answer waits for its first piece of body: one packet, one call of the system."""

import asyncio


class Corked:
    """What uvicorn writes one answer to; to be made anew for each, and not for HEAD."""

    __slots__ = ("_has_begun", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._has_begun = False

    def write(self, data: bytes) -> None:
        """The head first, in one piece, then the body in any number of pieces."""
        if self._has_begun:
            self._transport.write(data)
        elif self._head:
            self._has_begun = True
            self._transport.write(self._head + data)
        elif data.startswith(b"HTTP/1.1 1"):  # "Continue" comes before the answer.
            self._transport.write(data)
        else:
            self._head = data

    def close(self) -> None:
        """Close when all is written."""
        if self._head and not self._has_begun:
            self._has_begun = True
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return self._transport.is_closing()
