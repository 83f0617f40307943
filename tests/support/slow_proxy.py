"""A network between a test and a server that takes its time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 1 << 16


@contextmanager
def slow_proxy(port: int, delay_s: float) -> Iterator[int]:
    """A port of 127.0.0.1 that passes everything on to `port`, each piece `delay_s` later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, port, delay_s), daemon=True).start()
        yield int(listener.getsockname()[1])


def _accept(listener: socket.socket, port: int, delay_s: float) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:  # the test is over
            return
        far = socket.create_connection(("127.0.0.1", port))
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=(source, target, delay_s), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, delay_s: float) -> None:
    try:
        while piece := source.recv(CHUNK):
            time.sleep(delay_s)
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one of the two hung up
        return
