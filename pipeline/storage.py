"""Where what is at rest lies: a folder of this machine, or a prefix of an object store."""

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, urlsplit

from pipeline.ports import Folder

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMES = ("s3", "gs")
HIDDEN = "."
"""Begins the name of a file that is still being written."""


@dataclass(frozen=True, slots=True)
class Uri:
    """A prefix of an object store, without the options that say how to reach it."""

    prefix: str
    """Such as `s3://bucket/basketry`, without a slash at its end."""
    options: str = ""
    """What follows the question mark, such as `region=eu-central-1&endpoint_override=minio:9000`."""

    def __truediv__(self, name: str) -> "Uri":
        return Uri(f"{self.prefix}/{name}", self.options)

    def __str__(self) -> str:
        return f"{self.prefix}?{self.options}" if self.options else self.prefix

    @property
    def name(self) -> str:
        """Last part of the prefix."""
        return self.prefix.rpartition("/")[2]

    @property
    def parent(self) -> "Uri":
        """All but the last part."""
        return Uri(self.prefix.rpartition("/")[0], self.options)


Place: TypeAlias = Path | Uri
"""A folder of this machine, or a prefix of an object store."""


def parse_place(text: str | Place) -> Place:
    """A place as settings name it: a path, `file://…`, `s3://bucket/prefix` or `gs://bucket/prefix`.

    Raises:
        ValueError: another scheme, no bucket, or credentials, which would be shown wherever the place is.

    >>> parse_place("s3://bucket/shops/?region=eu-central-1") / "stores"
    Uri(prefix='s3://bucket/shops/stores', options='region=eu-central-1')
    """
    if isinstance(text, Uri):
        return text
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", str(text)):
        return Path(text)
    parts = urlsplit(str(text))
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(f"{parts.scheme}:// is no place for data; expected a folder, s3://BUCKET/… or gs://BUCKET/…")
    if "@" in parts.netloc or "secret_key" in parts.query:
        raise ValueError("a URI with credentials in it; give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return Uri(f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"), parts.query)


def as_folder(where: Folder | Path) -> Folder:
    """A folder of this machine by its path."""
    return LocalFolder(where) if isinstance(where, Path) else where


class LocalFolder:
    """A folder of this machine, or of a network that looks like one. Files are mapped to be read.

    Args:
        path: Where; made at the first `write`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> "LocalFolder":
        return LocalFolder(self.path / name)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.name

    def read(self, name: str, *, keep: bool = False) -> "pa.Buffer":
        """The content of a file, mapped."""
        import pyarrow as pa  # settings name places, too, and are read before anything heavy is imported

        path = self.path / name
        if not path.stat().st_size:
            return pa.py_buffer(b"")  # nothing can be mapped
        with pa.memory_map(str(path)) as file:
            return file.read_buffer()

    def write(self, name: str, content: "bytes | pa.Buffer") -> None:
        """Write a file beside its place, then give it its name."""
        self._place(name, content, lambda draft: draft.replace(self.path / name))

    def write_first(self, name: str, content: bytes) -> bytes:
        """Write a file that its owner alone may read, unless it is there; what it holds."""
        if not (self.path / name).exists():
            with contextlib.suppress(FileExistsError):
                self._place(name, content, lambda draft: os.link(draft, self.path / name), mode=0o600)
        return (self.path / name).read_bytes()

    def names(self) -> list[str]:
        """The files, by name."""
        try:
            found = [entry.name for entry in os.scandir(self.path) if entry.is_file()]
        except FileNotFoundError:
            return []
        return sorted(name for name in found if not name.startswith(HIDDEN))

    def remove(self, name: str) -> None:
        """Take a file out, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Nothing: no copies are kept."""

    def _place(
        self, name: str, content: "bytes | pa.Buffer", finish: Callable[[Path], object], mode: int = 0o666
    ) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        draft = self.path / f"{HIDDEN}{name}.{secrets.token_hex(6)}"
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            finish(draft)
        finally:
            draft.unlink(missing_ok=True)
