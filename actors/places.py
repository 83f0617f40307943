"""From the name of a place to the folder there."""

from pathlib import Path

from pipeline.ports import Folder
from pipeline.storage import LocalFolder, Place


def open_folder(place: Place) -> Folder:
    """The folder at `place`.

    Raises:
        StorageError: the options of a URI make no sense.
    """
    if isinstance(place, Path):
        return LocalFolder(place)
    from actors.objects import open_objects  # most commands never need it

    return open_objects(place)
