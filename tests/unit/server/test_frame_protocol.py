from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from papertape.server.stream.frame_protocol import text_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_a_text_frame_is_the_one_that_websockets_would_make(size: int) -> None:
    payload = b"x" * size
    assert text_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)
