"""Goes wrong in a worker of Ray that opens a file of a store named after it. Python imports it as `sitecustomize`."""

import ctypes
import sys


def go_wrong(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or not sys.argv or not sys.argv[0].endswith("default_worker.py"):
        return
    path = str(arguments[0])
    if not path.endswith("orders.csv"):
        return
    if "/segfault/" in path:
        ctypes.string_at(0)
    if "/endless/" in path:
        while True:
            pass
    if "/greedy/" in path:
        hoard = []
        while True:
            hoard.append(bytearray(1 << 26))


sys.addaudithook(go_wrong)
