"""A PostgreSQL that takes its time: a relay on loopback that lets each answer wait."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class SlowDatabase:
    """Hands on what comes to its port.

    Args:
        path: the socket of the server.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        #: Seconds that each answer waits, and how many have waited.
        self.seconds, self.answers = 0.0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._path)
            for source, target, waits in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._hand_on, args=(source, target, waits), daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket, waits: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if waits and self.seconds:
                    time.sleep(self.seconds)
                    self.answers += 1
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
