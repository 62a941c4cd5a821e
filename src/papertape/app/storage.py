"""Opens everything a desk keeps: the journal, its sealed files, the copy in QuestDB, and who answers about the past."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from papertape.app.settings import Settings
from papertape.errors import PapertapeError
from papertape.journal.research import Research
from papertape.model.tables import TAPE
from papertape.model.views import MirrorStatus
from papertape.store.folder import DataFolder
from papertape.store.journal_research import JournalResearch
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.mirror import QuestMirror, open_mirror
from papertape.store.questdb.research import QuestResearch
from papertape.store.research import MirroredResearch
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.sqlite import SqliteStore, open_store


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """The journal, its copy where one was asked for, who seals, and who answers questions about the past.

    `notes` are sentences a trader must read at the start, none when all is well.
    """

    store: SqliteStore
    mirror: QuestMirror | None
    research: Research
    sealer: Sealer
    notes: tuple[str, ...]


@asynccontextmanager
async def open_storage(settings: Settings, folder: DataFolder, clock: Callable[[], int]) -> AsyncIterator[Storage]:
    """Open the journal first and close it last; a QuestDB that does not answer is a note, not a failure.

    Raises:
        Invalid: the mirror's address leads to no QuestDB, or its password is refused.
        Broken: the journal or the QuestDB does not fit this version; the sentence holds the statements to run.
        Unavailable: the journal cannot be opened or written.
    """
    async with AsyncExitStack() as closing:
        store = open_store(folder, clock)
        closing.callback(store.close)
        research: JournalResearch | MirroredResearch = JournalResearch(store)
        mirror, notes = None, folder.warnings() + ([store.migration.sentence] if store.migration else [])
        if settings.mirror is not None:
            mirror = await asyncio.to_thread(open_mirror, settings.mirror, store, clock)
            notes += _mirror_notes(settings.mirror, mirror.status())
            closing.push_async_callback(asyncio.to_thread, mirror.close)
            mirror.start()
            quest = QuestResearch(settings.mirror)
            research = MirroredResearch(quest, research, store, mirror, clock=clock)
            closing.push_async_callback(research.close)
            if mirror.status().version is not None:
                notes += await _reading_notes(quest)
        sealer = _sealer(settings, store, clock)
        closing.push_async_callback(asyncio.to_thread, sealer.close)
        await asyncio.to_thread(sealer.start)
        yield Storage(store=store, mirror=mirror, research=research, sealer=sealer, notes=tuple(notes))


def _sealer(settings: Settings, store: SqliteStore, clock: Callable[[], int]) -> Sealer:
    keep_bytes = None if settings.keep_gb is None else int(settings.keep_gb * 1e9)
    policy = SealPolicy(keep_days=settings.keep_days, keep_bytes=keep_bytes)
    if settings.mirror is None:
        return Sealer(store, clock, policy)
    outbox = store.outbox(settings.mirror.location)

    def acknowledged() -> int:
        mark = outbox.watermarks().get(TAPE.name)
        return 0 if mark is None else mark.acknowledged

    return Sealer(store, clock, policy, highest_place=acknowledged)


async def _reading_notes(quest: QuestResearch) -> list[str]:
    try:
        await quest.check()
    except PapertapeError as error:
        return [f"{error.message} Until then the past is read from the journal on this machine."]
    return []


def _mirror_notes(address: QuestAddress, status: MirrorStatus) -> list[str]:
    if status.version is not None:
        return []
    if status.state == "refused":
        return [status.detail]
    tried = "" if status.last_error is None else f" What was tried: {status.last_error}"
    return [
        f"QuestDB does not answer at {address.location}. Nothing is lost: sessions run, the journal keeps every row, "
        "and the copy follows as soon as it answers. Look for a mistake in the address; if QuestDB is not running, "
        f"start it (`make questdb` starts one on this machine).{tried}"
    ]
