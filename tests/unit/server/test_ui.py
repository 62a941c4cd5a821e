from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from papertape.server.ui import WebUi


async def read(root: Path, path: str, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(app=cast(Any, WebUi(root)))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        return await http.request(method, path)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    ui = tmp_path / "ui"
    (ui / "assets").mkdir(parents=True)
    (ui / "index.html").write_text("<!doctype html>page")
    (ui / "assets" / "app-1a2b.js").write_text("code")
    (tmp_path / "secret.txt").write_text("secret")
    return ui


async def test_hashed_assets_are_kept_for_ever_and_the_page_is_asked_for_again(built: Path) -> None:
    asset, page = await read(built, "/assets/app-1a2b.js"), await read(built, "/")
    assert (asset.text, asset.headers["cache-control"]) == ("code", "public, max-age=31536000, immutable")
    assert asset.headers["content-type"].startswith("text/javascript")
    assert (page.text, page.headers["cache-control"]) == ("<!doctype html>page", "no-cache")


async def test_a_path_of_the_app_itself_gets_the_page(built: Path) -> None:
    assert (await read(built, "/sessions/exec_20251227_165822_fe61be26")).text == "<!doctype html>page"


@pytest.mark.parametrize("path", ["/assets/none.js", "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"])
async def test_a_file_that_is_not_there_is_404_and_nothing_outside_is_read(built: Path, path: str) -> None:
    answer = await read(built, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "http.not_found")


async def test_a_page_that_was_not_built_is_explained(tmp_path: Path) -> None:
    answer = await read(tmp_path, "/")
    assert answer.status_code == 200
    assert "was not built" in answer.text


async def test_pages_are_only_read(built: Path) -> None:
    assert (await read(built, "/", "POST")).status_code == 405
    assert (await read(built, "/", "HEAD")).text == ""
