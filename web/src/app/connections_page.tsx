import { useQuery } from '@tanstack/react-query'
import { EndedConnectionsPanel, LiveConnectionsPanel, OwnConnectionPanel, RawFramesPanel, StreamHealthPanel } from '../panels'
import { ask, describeError, useConnection } from '../stores'

/** Who is connected, who closed and why, how the stream's server is doing, and what goes over this tab's wire. */
export function ConnectionsPage() {
  const query = useQuery({ queryKey: ['connections'], queryFn: ({ signal }) => ask.connections(signal), refetchInterval: 2000, staleTime: 0 })
  const { conn } = useConnection()
  const { live = [], ended = [], health = null } = query.data ?? {}
  const isKnown = query.data !== undefined
  return (
    <div className="main page-panel connections" data-testid="connections-page">
      <h1 className="visually-hidden">Connections: who closed, and why</h1>
      {query.error && <p className="field-error" role="alert">{describeError(query.error)}</p>}
      <OwnConnectionPanel />
      <StreamHealthPanel health={health} live={live.length} />
      <LiveConnectionsPanel rows={live} isKnown={isKnown} ownConn={conn} />
      <EndedConnectionsPanel rows={ended} isKnown={isKnown} />
      <RawFramesPanel />
    </div>
  )
}
