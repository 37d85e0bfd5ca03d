"""SIGTERM first fails readiness, while all is still answered, and stops the server afterwards."""

import asyncio
import signal
import threading

import uvicorn


class Drain:
    """Whether the service is on its way out."""

    def __init__(self) -> None:
        self.has_begun = False

    def watch(self, seconds: float) -> None:
        """Begin on SIGTERM and stop the server, which has set its own handler, `seconds` later.

        uvicorn would stop accepting at once, and raise the signal anew at the end, so that a stop
        in good order would look like a death.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        if not isinstance(server, uvicorn.Server):
            return
        loop = asyncio.get_running_loop()

        def stop() -> None:
            server.should_exit = True

        def begin(*_: object) -> None:
            if not self.has_begun:
                self.has_begun = True
                loop.call_soon_threadsafe(loop.call_later, seconds, stop)

        signal.signal(signal.SIGTERM, begin)
