import { useState } from 'react'
import { attempt, command, useServerNow } from '../stores'
import { Chip, counted, DataTable, Empty, fixed, Missing, Panel, span, type Column, type Tone } from '../ui'
import type { MirroredTable, MirrorState, MirrorStatus, StoreStatus } from '../wire/generated'
import { At } from './cells'

const STATE_TONE: Record<MirrorState, Tone> = {
  connecting: 'slate',
  live: 'teal',
  behind: 'amber',
  unreachable: 'red',
  refused: 'red',
  suspended: 'red',
}

function bytes(count: number): string {
  if (count >= 1e9) return `${fixed(count / 1e9, 2)} GB`
  if (count >= 1e6) return `${fixed(count / 1e6, 1)} MB`
  return `${fixed(count / 1e3, count < 1e4 ? 1 : 0)} kB`
}

/** Milliseconds as a trader reads them: 12.4 ms, 1.8 s. */
function lag(ms: number): string {
  return ms < 1000 ? `${fixed(ms, 1)} ms` : `${fixed(ms / 1000, 1)} s`
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

export function JournalPanel({ store }: { store: StoreStatus }) {
  return (
    <Panel title="Journal" testId="panel-journal" note={store.driver} tools={<Chip tone={store.is_healthy ? 'teal' : 'red'}>{store.is_healthy ? 'writing' : 'not writing'}</Chip>} isPadded>
      <p className="storage-say">{store.last_error ?? 'Everything a session does is on this disk before it is shown. What stands here is what is true.'}</p>
      {store.sealing_error && <p className="field-error" role="status">Old market data cannot be sealed now, so the journal grows; nothing is lost. {store.sealing_error}</p>}
      <dl className="storage-facts">
        <Fact name="Newest commit">{store.last_durable_ts === null ? <Missing reason="nothing was written since the desk started" /> : <At us={store.last_durable_ts} />}</Fact>
        <Fact name="Commit to disk, worst of 5 s">{lag(store.lag_ms)}</Fact>
        <Fact name="Rows since the start">{fixed(store.rows_total, 0)}</Fact>
        <Fact name="Commits waiting">{fixed(store.queue_length, 0)}</Fact>
        <Fact name="Where">
          <span className="mono small">{store.location}</span>
        </Fact>
      </dl>
    </Panel>
  )
}

function TableState({ row }: { row: MirroredTable }) {
  if (row.is_suspended) return <Chip tone="red">suspended</Chip>
  return row.unapplied > 0 ? <Chip tone="amber">catching up</Chip> : <Chip tone="teal">current</Chip>
}

const SEEN: readonly Column<MirroredTable>[] = [
  { id: 'table', title: 'Table', width: '150px', cell: (row) => <span className="mono">{row.table}</span> },
  { id: 'state', title: 'State', width: '120px', cell: (row) => <TableState row={row} /> },
  { id: 'rows', title: 'Rows', hint: 'Visible to readers', width: '120px', align: 'right', cell: (row) => fixed(row.rows, 0) },
  { id: 'unapplied', title: 'Unapplied', hint: 'Transactions that are acknowledged and not visible yet', width: '100px', align: 'right', cell: (row) => fixed(row.unapplied, 0) },
  { id: 'disk', title: 'On disk', width: '100px', align: 'right', hide: 's', cell: (row) => bytes(row.disk_bytes) },
  { id: 'error', title: 'Trouble', hide: 's', cell: (row) => (row.error ? <span title={row.error}>{row.error}</span> : row.memory_pressure > 0 ? 'short of memory' : <span className="dim">none</span>) },
]

/** The same of a database that tells nothing now: what is shown is only the last that was known. */
const LAST_SEEN = SEEN.map((column) => (column.id === 'state' ? { ...column, cell: () => <Chip tone="slate">as last seen</Chip> } : column))

/** Lets the database go on with what it has suspended; nothing of ours is changed by it. */
function ResumeButton({ count, onDone }: { count: number; onDone: () => void }) {
  const [isBusy, setBusy] = useState(false)
  const press = async () => {
    setBusy(true)
    await attempt('Resume suspended tables', () => command.resumeStore())
    setBusy(false)
    onDone()
  }
  return (
    <button type="button" className="act is-primary" data-testid="resume-wal" disabled={isBusy} onClick={() => void press()}>
      {isBusy ? 'Resuming' : `Resume ${counted(count, 'suspended table')}`}
    </button>
  )
}

function MirrorFacts({ mirror }: { mirror: MirrorStatus }) {
  const now = useServerNow()
  return (
    <dl className="storage-facts">
      <Fact name="Rows waiting">
        {fixed(mirror.waiting_rows, 0)}
        {mirror.waiting_since !== null && <span className="dim"> since {span((now - mirror.waiting_since) / 1e6)}</span>}
      </Fact>
      <Fact name="Commit to acknowledged, worst of 60 s">{lag(mirror.lag_ms)}</Fact>
      <Fact name="Commit to visible, worst of 60 s">{lag(mirror.visible_lag_ms)}</Fact>
      <Fact name="Newest acknowledgement">{mirror.last_acknowledged_ts === null ? <Missing reason="none since the desk started" /> : <At us={mirror.last_acknowledged_ts} />}</Fact>
      <Fact name="Rows since the start">{fixed(mirror.rows_total, 0)}</Fact>
      <Fact name="Server">{mirror.version ?? <Missing reason="it has not answered yet" />}</Fact>
      <Fact name="Where">
        <span className="mono small">{mirror.location}</span>
      </Fact>
    </dl>
  )
}

export function MirrorPanel({ mirror, onChanged }: { mirror: MirrorStatus | null; onChanged: () => void }) {
  if (mirror === null) {
    return (
      <Panel title="Copy in QuestDB" testId="panel-mirror" note="not asked for">
        <Empty title="This desk keeps no copy in QuestDB">
          Start it with <code>--store questdb://user:password@host:9000</code> and everything a session produces is copied there for research. <code>make run STORE=questdb</code> does both.
        </Empty>
      </Panel>
    )
  }
  const isSilent = mirror.state === 'unreachable' || mirror.state === 'connecting'
  const suspended = mirror.tables.filter((table) => table.is_suspended).length
  return (
    <Panel title="Copy in QuestDB" testId="panel-mirror" note={counted(mirror.tables.length, 'table')} tools={<Chip tone={STATE_TONE[mirror.state]}>{mirror.state}</Chip>}>
      <div className="storage-head" data-state={mirror.state}>
        <p className="storage-say">{mirror.detail}</p>
        {suspended > 0 && <ResumeButton count={suspended} onDone={onChanged} />}
      </div>
      <MirrorFacts mirror={mirror} />
      {mirror.tables.length > 0 ? <DataTable label="Tables of the copy" rows={mirror.tables} columns={isSilent ? LAST_SEEN : SEEN} keyOf={(row) => row.table} /> : <Empty title="No table is known yet">The database has not told its tables yet.</Empty>}
    </Panel>
  )
}
