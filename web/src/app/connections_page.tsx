import { useQuery } from '@tanstack/react-query'
import { At } from '../panels'
import { ask, describeError, useConnection } from '../stores'
import { Chip, counted, DataTable, Empty, fixed, Missing, Panel, span, type Column } from '../ui'
import { closeWords, type CloseRecord } from '../connection'
import { CLOSE_CODES, type ConnectionView } from '../wire/generated'

function CodeText({ code, by }: { code: number | null; by: 'client' | 'server' | 'network' | null }) {
  const words = closeWords(code, by)
  const name = code === null ? 'no code was given' : `code ${code} ${CLOSE_CODES[code]?.name.replaceAll('_', ' ') ?? ''}`.trim()
  return (
    <span className="wrap-2 small" title={`${words} (${name})`}>
      {words}
    </span>
  )
}

const WHO_TONE = { client: 'blue', server: 'amber', network: 'red' } as const

function Who({ by }: { by: 'client' | 'server' | 'network' | null }) {
  return by ? <Chip tone={WHO_TONE[by]}>{by}</Chip> : <Missing reason="not known" />
}

const OWN: readonly Column<CloseRecord>[] = [
  { id: 'at', title: 'Closed', width: '86px', cell: (row) => <At us={row.at * 1000} /> },
  { id: 'by', title: 'By', width: '92px', cell: (row) => <Who by={row.by} /> },
  { id: 'code', title: 'What happened', width: '210px', cell: (row) => <CodeText code={row.code} by={row.by} /> },
  { id: 'transport', title: 'Transport', width: '100px', hide: 's', cell: (row) => row.transport },
  { id: 'age', title: 'Lived', width: '110px', hide: 's', cell: (row) => (row.isFailure && row.conn === null ? <Missing reason="never welcomed" /> : span(row.ageMs / 1000)) },
  { id: 'silent', title: 'Silent before', width: '110px', hide: 'm', cell: (row) => (row.silentMs === null ? <Missing reason="never welcomed" /> : span(row.silentMs / 1000)) },
  { id: 'reason', title: 'Why', hide: 's', cell: (row) => <span title={row.reason}>{row.reason}</span> },
]

const LIVE: readonly Column<ConnectionView>[] = [
  { id: 'id', title: 'Connection', width: '150px', cell: (row) => <span className="mono">{row.id}</span> },
  { id: 'tab', title: 'Tab', width: '150px', hide: 's', cell: (row) => <span className="mono">{row.tab || 'said no hello yet'}</span> },
  { id: 'transport', title: 'Transport', width: '100px', cell: (row) => row.transport },
  { id: 'age', title: 'Lives for', width: '120px', cell: (row) => span(row.age_ms / 1000) },
  { id: 'rx', title: 'Last heard', width: '110px', hide: 'm', cell: (row) => `${span(row.last_rx_age_ms / 1000)} ago` },
  { id: 'queue', title: 'Waiting', width: '150px', hide: 'm', cell: (row) => `${counted(row.queue_messages, 'message')}, ${fixed(row.queue_bytes / 1000, 1)} kB` },
  { id: 'sent', title: 'Sent', width: '100px', align: 'right', cell: (row) => fixed(row.sent, 0) },
  { id: 'topics', title: 'Topics', width: '80px', align: 'right', cell: (row) => row.topics },
]

function story(row: ConnectionView): string {
  const told = row.client_story
  return told ? `the client saw: ${told.code ?? 'no code'} ${told.reason ?? ''}` : 'the client has not come back to tell'
}

const ENDED: readonly Column<ConnectionView>[] = [
  { id: 'at', title: 'Closed', width: '86px', cell: (row) => (row.closed_ts === null ? <Missing reason="open" /> : <At us={row.closed_ts} />) },
  { id: 'by', title: 'By', width: '92px', cell: (row) => <Who by={row.closed_by} /> },
  { id: 'code', title: 'What happened', width: '210px', cell: (row) => <CodeText code={row.code} by={row.closed_by} /> },
  { id: 'transport', title: 'Transport', width: '100px', hide: 's', cell: (row) => row.transport },
  { id: 'age', title: 'Lived', width: '120px', cell: (row) => span(row.age_ms / 1000) },
  { id: 'reason', title: 'Why', hide: 's', cell: (row) => <span title={`${row.reason} — ${story(row)}`}>{row.reason}</span> },
  { id: 'story', title: 'The other side', hide: 'm', cell: (row) => <span className="dim" title={story(row)}>{story(row)}</span> },
]

function OwnCloses() {
  const { closes, reconnects, duplicates, resyncs } = useConnection()
  return (
    <Panel title="This tab" testId="panel-own-closes" note={`${counted(reconnects, 'reconnect')}, ${counted(resyncs, 'resync')}, ${counted(duplicates, 'duplicate')} dropped`}>
      {closes.length > 0 ? <DataTable label="Closes of this tab" rows={closes} columns={OWN} keyOf={(row) => String(row.id)} /> : <Empty title="No connection of this tab has ended">Every close would be listed with who closed it, and why.</Empty>}
    </Panel>
  )
}

/** Who closed, and why: the server's account and this browser's, side by side. */
export function ConnectionsPage() {
  const query = useQuery({ queryKey: ['connections'], queryFn: ({ signal }) => ask.connections(signal), refetchInterval: 2000, staleTime: 0 })
  const { live = [], ended = [] } = query.data ?? {}
  return (
    <div className="main page-panel" data-testid="connections-page">
      <h1 className="visually-hidden">Connections: who closed, and why</h1>
      {query.error && <p className="field-error" role="alert">{describeError(query.error)}</p>}
      <OwnCloses />
      <Panel title="Live connections of the desk" testId="panel-live-connections" note={query.data ? String(live.length) : 'loading'}>
        {live.length > 0 ? <DataTable label="Live connections" rows={live} columns={LIVE} keyOf={(row) => row.id} /> : <Empty title={query.data ? 'Nobody is connected' : 'Asking the desk'} />}
      </Panel>
      <Panel title="Ended connections of the desk" testId="panel-ended-connections" note={query.data ? `${ended.length}, newest first` : 'loading'}>
        {ended.length > 0 ? <DataTable label="Ended connections" rows={ended} columns={ENDED} keyOf={(row) => row.id} /> : <Empty title={query.data ? 'No connection has ended since the desk started' : 'Asking the desk'} />}
      </Panel>
    </div>
  )
}
