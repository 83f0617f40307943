"""An object store as a folder: asked again when it fails, with copies on this machine of what is read over and over."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import pyarrow as pa
import stamina
import structlog
from pyarrow import fs

from pipeline.errors import StorageError
from pipeline.storage import LocalFolder, Uri

Answer = TypeVar("Answer")

ATTEMPTS = 4
"""An operation and three retries of it."""
FIRST_WAIT_S, WAIT_FACTOR, LONGEST_WAIT_S = 1.0, 3.0, 15.0
"""Waits of 1, 3 and 9 s, and up to a second more: a store that is away for 10 s is not noticed."""
LASTING = ("ACCESS_DENIED", "NO_SUCH_BUCKET", "INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH", "InvalidAccessKey")
"""What an object store says that it will say again."""


def open_objects(uri: Uri) -> "ObjectFolder":
    """The prefix of an object store at `uri`.

    Raises:
        StorageError: its options make no sense.
    """
    return ObjectFolder(uri, _file_system(_bucket(uri), uri.options))


class ObjectFolder:
    """A prefix of an object store. An object appears whole or not at all, so writing needs no renaming.

    Args:
        uri: Where.
        files: The store, reached.
    """

    def __init__(self, uri: Uri, files: fs.FileSystem) -> None:
        self._uri, self._files = uri, files
        self._path = uri.prefix.partition("://")[2]

    def __truediv__(self, name: str) -> "ObjectFolder":
        return ObjectFolder(self._uri / name, self._files)

    def __str__(self) -> str:
        return self._uri.prefix

    @property
    def name(self) -> str:
        """Last part of the prefix."""
        return self._uri.name

    def read(self, name: str, *, keep: bool = False) -> pa.Buffer:
        """The content of an object; from this machine's copy where there is one and `keep` is set."""
        if not keep:
            return self._ask(f"read {name}", lambda: self._read(name))
        copies = self._copies()
        try:
            return copies.read(name)
        except FileNotFoundError:
            copies.write(name, self._ask(f"read {name}", lambda: self._read(name)))
            return copies.read(name)

    def write(self, name: str, content: bytes | pa.Buffer) -> None:
        """Write an object."""
        self._ask(f"write {name}", lambda: self._write(name, content))
        self.forget(name)

    def write_first(self, name: str, content: bytes) -> bytes:
        """Write a secret, unless it is there; what counts.

        No call here writes only what is absent, so every writer has an object of its own below `name`, and the oldest
        counts for all. Two that write within a second of each other may disagree about this once, and never again.
        """
        candidates = self / name
        if not candidates.names():
            candidates.write(token_hex(8), content)
        first = min(candidates._list(), key=lambda info: (info.mtime_ns, info.base_name))
        return bytes(candidates.read(first.base_name).to_pybytes())

    def names(self) -> list[str]:
        """The objects right below the prefix, by name."""
        return sorted(info.base_name for info in self._list() if info.type is fs.FileType.File)

    def remove(self, name: str) -> None:
        """Take an object out, if it is there."""

        def remove() -> None:
            try:
                self._files.delete_file(f"{self._path}/{name}")
            except FileNotFoundError:
                return

        self._ask(f"remove {name}", remove)
        self.forget(name)

    def forget(self, name: str) -> None:
        """Drop this machine's copy; whoever has mapped it may read on."""
        self._copies().remove(name)

    def _read(self, name: str) -> pa.Buffer:
        with self._files.open_input_file(f"{self._path}/{name}") as file:
            return file.read_buffer()

    def _write(self, name: str, content: bytes | pa.Buffer) -> None:
        with self._files.open_output_stream(f"{self._path}/{name}") as file:
            file.write(content)

    def _list(self) -> list[Any]:
        """What is right below the prefix."""
        within = fs.FileSelector(self._path, allow_not_found=True)
        return self._ask("list", lambda: list(self._files.get_file_info(within)))

    def _copies(self) -> LocalFolder:
        """Where this machine keeps what it read: a folder that is ours alone."""
        home = Path(tempfile.gettempdir()) / f"basketry-{os.getuid()}"
        home.mkdir(mode=0o700, exist_ok=True)
        if home.stat().st_uid != os.getuid():
            raise StorageError(f"{home} is another user's; remove it, or set TMPDIR to a folder of your own")
        return LocalFolder(home / hashlib.sha256(str(self._uri).encode()).hexdigest()[:32])

    def _ask(self, what: str, question: Callable[[], Answer]) -> Answer:
        """What the store answers, asked again while it fails.

        Raises:
            FileNotFoundError: there is no such object.
            StorageError: it failed each time, or lets us do nothing.
        """
        patient = stamina.RetryingCaller(
            attempts=ATTEMPTS, timeout=None, wait_initial=FIRST_WAIT_S, wait_max=LONGEST_WAIT_S,
            wait_exp_base=WAIT_FACTOR,
        )  # fmt: skip
        try:
            return patient.on(_is_passing)(question)
        except FileNotFoundError:
            raise
        except OSError as error:
            times = f"after {ATTEMPTS} tries" if _is_passing(error) else "and will not"
            raise StorageError(
                f"the object store could not {what} in {self._uri.prefix} {times} ({str(error).splitlines()[0]}); "
                "check data_dir, the network and the credentials, and run it again"
            ) from error


def _is_passing(error: Exception) -> bool:
    """Whether another try may go better."""
    if not isinstance(error, OSError) or isinstance(error, FileNotFoundError | PermissionError):
        return False
    return not any(word in str(error) for word in LASTING)


def _bucket(uri: Uri) -> str:
    scheme, _, rest = uri.prefix.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


@cache
def _file_system(bucket: str, options: str) -> fs.FileSystem:
    """The object store of a process: connections are shared, and its region is asked for once."""
    if not structlog.is_configured():  # tries are logged, and standard output is for results
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        return fs.FileSystem.from_uri(f"{bucket}?{options}" if options else bucket)[0]
    except (pa.ArrowException, OSError) as error:
        raise StorageError(
            f"the object store {bucket} can't be opened ({str(error).splitlines()[0]}); expected options such as "
            "region=… or endpoint_override=…&scheme=http after a question mark in data_dir"
        ) from error
