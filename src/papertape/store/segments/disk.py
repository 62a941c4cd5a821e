"""What the sealer does to the file system, one method a step."""

from __future__ import annotations

import os
from pathlib import Path

from papertape.store.folder import sync_folder

FOLDER = "segments"
"""Where the files are, in the data folder."""

_ENDING = ".parquet"
_DRAFT = ".draft"


def is_ours(name: str) -> bool:
    """Return whether a file of the folder has a name the sealer gives."""
    return name.endswith((_ENDING, _ENDING + _DRAFT))


class SegmentDisk:
    """Writes a file so that it is there wholly or not at all, under a name no file ever had."""

    def write_draft(self, path: Path, content: bytes) -> Path:
        """Write what becomes `path` under another name, durable, and return that."""
        draft = path.with_name(path.name + _DRAFT)
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return draft

    def publish(self, draft: Path, path: Path) -> None:
        """Give a draft its name."""
        draft.rename(path)

    def sync(self, folder: Path) -> None:
        """Make the names in the folder durable."""
        sync_folder(folder)

    def remove(self, path: Path) -> None:
        """Remove a file; nothing happens when it is gone already."""
        path.unlink(missing_ok=True)
