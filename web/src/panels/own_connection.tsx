import { useConnection, useDesk, useServerNow } from '../stores'
import { Chip, counted, DataTable, Empty, Missing, Panel, span, type Column } from '../ui'
import { closeWords, type CloseRecord, type ConnectionStatus, type Fallback } from '../connection'
import { At } from './cells'
import { CARRIER, CLOSER, codeName, duration, PHASE } from './connection_words'
import { Figure } from './figure'

const CLOSES: readonly Column<CloseRecord>[] = [
  { id: 'at', title: 'Ended', width: '100px', cell: (row) => <At us={row.at * 1000} /> },
  { id: 'what', title: 'What happened', cell: (row) => <span className="wrap-2">{closeWords(row.code, row.by)}</span> },
  { id: 'by', title: 'Closed by', width: '116px', cell: (row) => <Chip tone={CLOSER[row.by].tone}>{CLOSER[row.by].word}</Chip> },
  { id: 'transport', title: 'Carried by', width: '110px', hide: 'm', cell: (row) => CARRIER[row.transport] },
  { id: 'age', title: 'Lived', width: '100px', hide: 's', cell: (row) => (row.conn === null ? <Missing reason="no welcome" /> : duration(row.ageMs)) },
]

function CloseDetail({ row }: { row: CloseRecord }) {
  return (
    <dl className="figures">
      <Figure name="Reason given">{row.reason}</Figure>
      <Figure name="Code">{codeName(row.code)}</Figure>
      <Figure name="Connection">{row.conn ? <span className="mono">{row.conn}</span> : <Missing reason="the desk never answered" />}</Figure>
      <Figure name="Silent before the end">{row.silentMs === null ? <Missing reason="never welcomed" /> : duration(row.silentMs)}</Figure>
      <Figure name="Counts as">{row.isFailure ? 'a failure; three in a row and a fallback takes over' : 'an ordinary end'}</Figure>
    </dl>
  )
}

function FallbackNote({ fallback, carrier }: { fallback: Fallback; carrier: string }) {
  const { connection } = useDesk()
  useServerNow()
  const now = Date.now()
  const next = fallback.nextProbeAt === null ? 'WebSocket is being tried now.' : `WebSocket is tried again in ${span((fallback.nextProbeAt - now) / 1000 + 0.5)}.`
  return (
    <div className="fallback-note" data-testid="fallback-note">
      <p>
        <b>The {carrier} carries the data.</b> WebSocket failed three times {span((now - fallback.since) / 1000)} ago: {fallback.why}. Something between this page and the desk may block it; nothing is missing meanwhile. {next}{' '}
        {fallback.probes > 0 && <span className="dim">Tried {counted(fallback.probes, 'time')} since.</span>}
      </p>
      <button type="button" className="act is-small" data-testid="try-websocket" disabled={fallback.nextProbeAt === null} onClick={() => connection.tryWebSocket()}>
        Try WebSocket now
      </button>
    </div>
  )
}

function OwnFigures({ status }: { status: ConnectionStatus }) {
  useServerNow()
  const isUp = status.phase === 'live' || status.phase === 'catching_up'
  const offset = Math.round(status.clockOffsetMs)
  return (
    <dl className="figures own-figures">
      <Figure name="Carried by">{CARRIER[status.transport]}</Figure>
      <Figure name="Connected for">{isUp && status.connectedAt !== null ? span((Date.now() - status.connectedAt) / 1000) : <Missing reason="not connected" />}</Figure>
      <Figure name="Round trip" hint="From a probe to its answer">{status.rttMs === null ? <Missing reason={status.transport === 'websocket' ? 'not measured yet' : 'one way only'} /> : duration(status.rttMs)}</Figure>
      <Figure name="Desk's clock" hint="The desk's clock against this machine's">{offset === 0 ? 'same as here' : `${duration(Math.abs(offset))} ${offset > 0 ? 'ahead' : 'behind'}`}</Figure>
      <Figure name="Desk's lag" hint="Worst lag of the desk's event loop between the last two heartbeats">{status.serverLagMs === null ? <Missing reason="no heartbeat yet" /> : duration(status.serverLagMs)}</Figure>
      <Figure name="Topics followed">{status.topics}</Figure>
      <Figure name="Reconnects">{status.reconnects}</Figure>
      <Figure name="Holes repaired" hint="Topics asked for anew because continuity could not be proven">{status.resyncs}</Figure>
      <Figure name="Duplicates dropped">{status.duplicates}</Figure>
    </dl>
  )
}

/** This tab's own connection: how it is, what carries it, and how its predecessors ended. */
export function OwnConnectionPanel() {
  const { connection } = useDesk()
  const status = useConnection()
  const { word, tone } = PHASE[status.phase]
  const tools = (
    <>
      {status.conn && <span className="mono faint hide-phone">{status.conn}</span>}
      <Chip tone={tone} hasDot>
        {word}
      </Chip>
      <button type="button" className="quiet-button" onClick={() => connection.retryNow()}>
        {status.phase === 'live' ? 'Probe' : 'Try now'}
      </button>
    </>
  )
  return (
    <Panel title="This tab" testId="panel-own-closes" tools={tools}>
      {status.fallback && <FallbackNote fallback={status.fallback} carrier={CARRIER[status.transport]} />}
      {status.refusals.map((refusal) => (
        <p key={refusal.topic} className="field-error topic-refusal" role="status">
          <span className="mono">{refusal.topic}</span>: {refusal.message} {refusal.isTemporary ? 'It is asked for again by itself.' : 'It is not asked for again on this connection.'}
        </p>
      ))}
      <OwnFigures status={status} />
      {status.closes.length > 0 ? (
        <DataTable label="Closes of this tab" rows={status.closes} columns={CLOSES} keyOf={(row) => String(row.id)} detail={(row) => <CloseDetail row={row} />} />
      ) : (
        <Empty title="No connection of this tab has ended">If one does, this says who closed it and why, and the desk's own account stands below.</Empty>
      )}
    </Panel>
  )
}
