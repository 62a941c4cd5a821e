from __future__ import annotations

from papertape.server.desk_port import DeskPort
from papertape.server.hub import StreamHub
from papertape.session.desk import Desk
from papertape.session.outlet import Outlet
from papertape.testkit.fake_desk import FakeDesk


def as_port(desk: Desk) -> DeskPort:
    return desk  # that the real desk fits is proven by the type checker


def as_outlet(hub: StreamHub) -> Outlet:
    return hub


def test_the_fake_desk_has_every_method_of_the_real_one_that_the_server_uses() -> None:
    names = {name for name in vars(DeskPort) if not name.startswith("_")}
    assert names <= set(dir(FakeDesk()))
    assert names - {"backtests", "library", "past", "started_ts"} <= set(vars(Desk))
    assert {name for name in vars(Outlet) if not name.startswith("_")} <= set(vars(StreamHub))
