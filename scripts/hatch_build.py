"""The build hook of the wheel: compile the kernel into it, and refuse a wheel without the web UI."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface[Any]):
    """Checks and completes what the wheel holds before it is built; an editable install needs neither."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse a wheel whose user would see no page; with a compiler, make it one of this platform."""
        if version == "editable":
            return
        root = Path(self.root)
        package = root / "src" / "papertape"
        if not (package / "server" / "ui" / "index.html").is_file():
            message = (
                "The web UI is not built, and a wheel without it shows no page. Run `make wheel`, which builds both."
            )
            raise FileNotFoundError(message)
        sys.path.insert(0, str(root / "scripts"))
        import kernel_build

        if kernel_build.compile_kernel(package, root / ".setup" / "kernel-build"):
            build_data["artifacts"] += ["src/papertape/**/*.so", f"src/papertape/{kernel_build.STAMP}"]
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
