import { Chip, counted, DataTable, Empty, fixed, Missing, Panel, span, type Column } from '../ui'
import type { ConnectionView } from '../wire/generated'
import { At } from './cells'
import { agentName, bytes, CARRIER, CLOSER, codeName, deskStory, duration, pageStory } from './connection_words'
import { Figure } from './figure'

function Waiting({ row }: { row: ConnectionView }) {
  if (row.queue_messages === 0) return <span className="dim">nothing</span>
  return (
    <span className={row.write_ms > 1000 ? 'is-warn' : ''}>
      {counted(row.queue_messages, 'message')}, {bytes(row.queue_bytes)}
    </span>
  )
}

function liveColumns(ownConn: string | null): readonly Column<ConnectionView>[] {
  return [
    {
      id: 'agent',
      title: 'Who',
      cell: (row) => (
        <span className="stack" title={row.agent}>
          <span>
            {agentName(row.agent)} {row.id === ownConn && <Chip tone="teal">this tab</Chip>}
          </span>
          <span className="mono">{row.tab || 'said no hello yet'}</span>
        </span>
      ),
    },
    { id: 'transport', title: 'Carried by', width: '110px', hide: 'n', cell: (row) => CARRIER[row.transport] },
    { id: 'age', title: 'Lives for', width: '110px', cell: (row) => span(row.age_ms / 1000) },
    { id: 'rx', title: 'Last heard', width: '110px', hide: 'l', cell: (row) => `${span(row.last_rx_age_ms / 1000)} ago` },
    { id: 'queue', title: 'Waiting', hint: 'Not sent yet', width: '150px', hide: 's', cell: (row) => <Waiting row={row} /> },
    { id: 'flush', title: 'Values every', hint: 'How often it gets latest values: ever more rarely when it reads slowly or is hidden', width: '100px', hide: 'm', align: 'right', cell: (row) => duration(row.flush_ms) },
    { id: 'write', title: 'Send waits', hint: 'How long the send under way has waited for this client; it is closed after 10 s', width: '100px', hide: 'l', align: 'right', cell: (row) => (row.write_ms === 0 ? <span className="dim">no</span> : <span className={row.write_ms > 1000 ? 'is-warn' : ''}>{duration(row.write_ms)}</span>) },
    { id: 'sent', title: 'Sent', width: '130px', hide: 'n', align: 'right', cell: (row) => <span title={`${fixed(row.sent, 0)} messages`}>{bytes(row.sent_bytes)}</span> },
    { id: 'topics', title: 'Topics', width: '70px', hide: 's', align: 'right', cell: (row) => row.topics },
  ]
}

function LiveDetail({ row }: { row: ConnectionView }) {
  return (
    <dl className="figures">
      <Figure name="Connection"><span className="mono">{row.id}</span></Figure>
      <Figure name="Address">{row.peer}</Figure>
      <Figure name="Carried by">{CARRIER[row.transport]}</Figure>
      <Figure name="Since"><At us={row.opened_ts} /></Figure>
      <Figure name="Last heard">{duration(row.last_rx_age_ms)} ago</Figure>
      <Figure name="Sent">{fixed(row.sent, 0)} messages, {bytes(row.sent_bytes)}</Figure>
      <Figure name="Waiting">{fixed(row.queue_messages, 0)} messages, {bytes(row.queue_bytes)}</Figure>
      <Figure name="Send under way for">{duration(row.write_ms)}</Figure>
      <Figure name="Worst lag of the loop since">{duration(row.worst_lag_ms)}</Figure>
      <Figure name="Says it is">{row.agent || <Missing reason="nothing" />}</Figure>
    </dl>
  )
}

/** Who is connected to the desk now, and how well each keeps up. */
export function LiveConnectionsPanel({ rows, isKnown, ownConn }: { rows: readonly ConnectionView[]; isKnown: boolean; ownConn: string | null }) {
  return (
    <Panel title="Live connections" testId="panel-live-connections" note={isKnown ? `${rows.length}, newest first` : 'loading'}>
      {rows.length > 0 ? (
        <DataTable label="Live connections" rows={rows} columns={liveColumns(ownConn)} keyOf={(row) => row.id} detail={(row) => <LiveDetail row={row} />} />
      ) : (
        <Empty title={isKnown ? 'Nobody is connected' : 'Asking the desk'}>{isKnown && 'This page has no connection of its own now either; every open dashboard and every following script is listed here.'}</Empty>
      )}
    </Panel>
  )
}

const ENDED: readonly Column<ConnectionView>[] = [
  { id: 'at', title: 'Ended', width: '100px', cell: (row) => (row.closed_ts === null ? <Missing reason="open" /> : <At us={row.closed_ts} />) },
  { id: 'by', title: 'Closed by', width: '116px', hide: 's', cell: (row) => (row.closed_by ? <Chip tone={CLOSER[row.closed_by].tone}>{CLOSER[row.closed_by].word}</Chip> : <Missing reason="not known" />) },
  { id: 'desk', title: 'The desk says', cell: (row) => <span className="wrap-2">{deskStory(row)}</span> },
  { id: 'page', title: 'The page says', cell: (row) => <span className={`wrap-2 ${row.client_story ? '' : 'faint'}`}>{pageStory(row)}</span> },
  { id: 'transport', title: 'Carried by', width: '110px', hide: 'l', cell: (row) => CARRIER[row.transport] },
  { id: 'age', title: 'Lived', width: '110px', hide: 'm', cell: (row) => duration(row.age_ms) },
]

function DeskAccount({ row }: { row: ConnectionView }) {
  if (row.told_by === 'client') return <p className="dim">This connection belonged to the process before this one. All there is stands on the other side.</p>
  return (
    <dl className="figures">
      <Figure name="Code">{codeName(row.code)}</Figure>
      <Figure name="Reason">{row.reason}</Figure>
      {row.exception && <Figure name="Exception"><span className="mono">{row.exception}</span></Figure>}
      <Figure name="Lived">{duration(row.age_ms)}</Figure>
      <Figure name="Heard it last">{duration(row.last_rx_age_ms)} before</Figure>
      <Figure name="Not sent any more">{row.queue_messages === 0 ? 'nothing' : `${counted(row.queue_messages, 'message')}, ${bytes(row.queue_bytes)}`}</Figure>
      <Figure name="Worst lag of the loop">{duration(row.worst_lag_ms)}</Figure>
      {row.memory_mb !== null && <Figure name="Memory then">{fixed(row.memory_mb, 0)} MB</Figure>}
      <Figure name="Sent in its life">{fixed(row.sent, 0)} messages, {bytes(row.sent_bytes)}</Figure>
      <Figure name="Connection"><span className="mono">{row.id}</span></Figure>
    </dl>
  )
}

function PageAccount({ row }: { row: ConnectionView }) {
  const told = row.client_story
  if (!told) return <p className="dim">{pageStory(row)}. A page tells its side in the first message of its next connection.</p>
  return (
    <dl className="figures">
      <Figure name="Code">{codeName(told.code ?? null)}</Figure>
      <Figure name="Reason">{told.reason || 'none'}</Figure>
      {told.age_ms != null && <Figure name="Lived">{duration(told.age_ms)}</Figure>}
      {told.silent_ms != null && <Figure name="Heard the desk last">{duration(told.silent_ms)} before</Figure>}
      <Figure name="Tries until it was back">{(told.attempts ?? 0) + 1}</Figure>
      <Figure name="Tab"><span className="mono">{row.tab}</span></Figure>
      <Figure name="Browser">{agentName(row.agent)}</Figure>
    </dl>
  )
}

function EndedDetail({ row }: { row: ConnectionView }) {
  return (
    <div className="two-stories">
      <section>
        <h3>The desk's account</h3>
        <DeskAccount row={row} />
      </section>
      <section>
        <h3>The page's account</h3>
        <PageAccount row={row} />
      </section>
    </div>
  )
}

/** Who closed, and why: both sides' stories, side by side. */
export function EndedConnectionsPanel({ rows, isKnown }: { rows: readonly ConnectionView[]; isKnown: boolean }) {
  return (
    <Panel title="Ended connections" testId="panel-ended-connections" note={isKnown ? `${rows.length}, newest first` : 'loading'}>
      {rows.length > 0 ? (
        <DataTable label="Ended connections" rows={rows} columns={ENDED} keyOf={(row) => row.id} detail={(row) => <EndedDetail row={row} />} />
      ) : (
        <Empty title={isKnown ? 'No connection has ended since the desk started' : 'Asking the desk'}>{isKnown && 'When one does, the desk says here why, and beside it what the page saw. Reload this page to see one.'}</Empty>
      )}
    </Panel>
  )
}
