"""The build hook of the wheel: refuse to build one without the web UI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface[Any]):
    """Checks what the wheel would hold before it is built; an editable install needs no UI."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatch calls it by name
        """Refuse a wheel whose user would see no page."""
        page = Path(self.root) / "src" / "papertape" / "server" / "ui" / "index.html"
        if version != "editable" and not page.is_file():
            message = (
                "The web UI is not built, and a wheel without it shows no page. Run `make wheel`, which builds both."
            )
            raise FileNotFoundError(message)
