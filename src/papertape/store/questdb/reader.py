"""Reads QuestDB over PostgreSQL's protocol: a small pool, everything within bounds of time, failures as sentences."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it ships no types; rows are checked by their codecs

from papertape.errors import PapertapeError, Unavailable
from papertape.store.questdb.address import PG_PORT, QuestAddress
from papertape.store.questdb.questions import Question, anything

_DATABASE = "qdb"
_CONNECTIONS = 4
_IDLE_S = 60.0
_DIFFERS = re.compile(r"invalid column|does not exist|no matching|type mismatch|inconvertible", re.IGNORECASE)
_LOGIN = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)
_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, EOFError)


class Reader:
    """Runs questions on a server; connects when the first one comes, and anew after a failure.

    No statement is kept prepared, so that a table may get a column between two questions.
    """

    def __init__(self, address: QuestAddress, *, connect_s: float, answer_s: float) -> None:
        self._address = address
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._pool: asyncpg.Pool | None = None

    async def rows(self, question: Question, *values: object) -> list[Any]:  # Any: a tuple of each column's own type
        """Return the rows of a question.

        Raises:
            Unavailable: nothing answers in time (`store.mirror_unreachable`), the password is wrong
                (`store.mirror_credentials`), a table or column differs from the declaration (`store.mirror_differs`),
                or the server refuses the question (`store.mirror_refused`).
        """
        pool = self._opened()
        try:
            async with asyncio.timeout(self._connect_s + self._answer_s):
                return await self._fetch(pool, question, values)
        except TimeoutError as error:
            self._drop(pool)
            raise self._unreachable(f"not within {self._answer_s:g} s") from error
        except _LOGIN as error:
            raise _unavailable("store.mirror_credentials", self._said(error), _CREDENTIALS) from error
        except _LOST as error:
            self._drop(pool)
            is_refused = isinstance(error, ConnectionRefusedError)
            why = "nobody listens there" if is_refused else str(error) or type(error).__name__
            raise self._unreachable(why) from error
        except asyncpg.PostgresError as error:
            await self.recycle()
            if _DIFFERS.search(str(error)):
                raise _unavailable("store.mirror_differs", self._said(error), _MIGRATE) from error
            raise _unavailable("store.mirror_refused", self._said(error), _LOOK) from error

    async def check(self) -> None:
        """Learn whether questions are answered at all; raises as `rows` does."""
        await self.rows(anything())

    async def recycle(self) -> None:
        """Connect anew for the next question, as is needed after a migration; what runs may end."""
        if self._pool is not None:
            await self._pool.expire_connections()

    async def close(self) -> None:
        """Close every connection; a question asked later opens new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                host=self._address.host,
                port=self._address.pg_port,
                user=self._address.user,
                password=self._address.password,
                database=_DATABASE,
                min_size=0,
                max_size=_CONNECTIONS,
                max_inactive_connection_lifetime=_IDLE_S,
                statement_cache_size=0,
                timeout=self._connect_s,
                ssl=False,
                reset=_keep_state,
            )
        return self._pool

    async def _fetch(self, pool: asyncpg.Pool, question: Question, values: tuple[object, ...]) -> list[Any]:
        await pool
        connection = await pool.acquire()
        try:
            return [tuple(record) for record in await connection.fetch(question.sql, *values)]
        except (asyncio.CancelledError, TimeoutError):
            connection.terminate()  # otherwise the pool would wait for the server to confirm the end
            raise
        finally:
            await pool.release(connection, timeout=self._connect_s)

    def _drop(self, pool: asyncpg.Pool) -> None:
        if self._pool is pool:
            self._pool = None
        pool.terminate()

    def _unreachable(self, why: str) -> PapertapeError:
        return _unavailable(
            "store.mirror_unreachable",
            f"QuestDB at {self._address.location} does not answer questions (port {self._address.pg_port}: {why})",
            "Check that the server runs, and that ?pg= in --store names the port of its PostgreSQL protocol, "
            f"{PG_PORT} unless its server.conf says otherwise (pg.net.bind.to).",
        )

    def _said(self, error: Exception) -> str:
        return f"QuestDB at {self._address.location} answered a question with: {error}"


_CREDENTIALS = "Give the user and password it was set up with in --store."
_MIGRATE = "Its tables differ from what papertape declares: run papertape store migrate."
_LOOK = "Look at the server's log."


def _unavailable(code: str, what: str, next_step: str) -> PapertapeError:
    return Unavailable(f"{what.rstrip('.')}. {next_step}", code=code)


async def _keep_state(_: object) -> None:
    """Do nothing before a connection is used again: a question leaves no state behind."""
