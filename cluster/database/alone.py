"""One coordinator to a file: SQLite has one writer, and nobody could tell a dead one's runs from a slow one's."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import PlatformError, SettingsError


@contextmanager
def alone(path: Path, database: str) -> Iterator[None]:
    """Hold a lock on the file at `path`; the system lets go of it with the process, however that ends.

    Args:
        path: The lock's file, made where it is missing.
        database: What is locked, for the error.

    Raises:
        SettingsError: another process holds it.
    """
    try:
        file = path.open("a")
    except OSError as error:
        raise PlatformError(f"the lock {path} can't be opened ({error.strerror})") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(
                f"another coordinator works on {database}, and SQLite allows one; wait for it to end, or set "
                "BASKETRY_DATABASE_URL=postgresql+psycopg://USER@HOST/NAME for any number of them"
            ) from None
        yield
