"""SIGTERM fails readiness at once and stops the server some seconds later.

Until then every request is answered, so that a load balancer can stop sending them.
"""

import asyncio
import signal
import threading

import uvicorn


class Drain:
    """Whether the service is draining, and the SIGTERM handler that begins it."""

    def __init__(self) -> None:
        self.has_begun = False

    def watch(self, seconds: float) -> None:
        """Begin to drain on SIGTERM, and stop the server `seconds` later.

        Replaces uvicorn's own handler, which stops accepting at once and raises the signal again
        at the end, so that a graceful stop would end with a signal's exit status. Relies on uvicorn
        having set its handler, a method of its `Server`, before the application starts.
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
