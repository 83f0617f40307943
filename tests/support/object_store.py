"""Object stores of a test: one over a folder that fails as it is told, and a server that speaks S3."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyarrow import fs

from pipeline.storage import Uri

BUCKET = "shops"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip


class Failing(fs.FileSystemHandler):  # type: ignore[misc]  # pyarrow brings no types
    """Objects in a folder; the next `failures` operations fail.

    Args:
        root: Where the objects lie.
        failures: How many operations fail, and then no more.
        error: What they raise.
    """

    def __init__(self, root: Path, failures: int = 0, error: OSError | None = None) -> None:
        self._local = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())
        self.failures, self._error = failures, error or OSError("AWS Error SLOW_DOWN: please reduce your request rate")
        self.asked: list[str] = []

    def _ask(self, what: str, path: str) -> None:
        self.asked.append(f"{what} {path}")
        if self.failures > 0:
            self.failures -= 1
            raise self._error

    def get_type_name(self) -> str:
        return "failing"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[Any]:
        return list(self._local.get_file_info(paths))

    def get_file_info_selector(self, selector: Any) -> list[Any]:
        self._ask("list", selector.base_dir)
        return list(self._local.get_file_info(selector))

    def open_input_file(self, path: str) -> Any:
        self._ask("read", path)
        return self._local.open_input_file(path)

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        self._ask("write", path)
        self._local.create_dir(path.rpartition("/")[0], recursive=True)
        return self._local.open_output_stream(path, metadata=metadata)

    def delete_file(self, path: str) -> None:
        self._ask("remove", path)
        self._local.delete_file(path)

    def _unused(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = move = copy_file = _unused
    open_input_stream = open_append_stream = _unused


@contextmanager
def s3_server(port: int = 0) -> Iterator[Uri]:
    """A server on this machine with an empty bucket; credentials are in the environment while it lives."""
    from moto.server import ThreadedMotoServer

    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ.update(CREDENTIALS)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        options = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        files, _ = fs.FileSystem.from_uri(f"s3://{BUCKET}?{options}&allow_bucket_creation=true")
        files.create_dir(BUCKET)
        yield Uri(f"s3://{BUCKET}", options)
    finally:
        server.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
