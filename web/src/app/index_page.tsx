import { Navigate } from '@tanstack/react-router'
import { useConnection, useSessions } from '../stores'
import { Mark } from '../ui'
import type { SessionView } from '../wire/generated'

const LIVE_FIRST: readonly SessionView['state'][] = ['running', 'starting', 'stopping', 'suspended']

/** The newest session that lives; without one, the newest of all. */
export function newestLive(sessions: readonly SessionView[]): SessionView | null {
  const newestFirst = [...sessions].sort((a, b) => b.created_ts - a.created_ts)
  for (const state of LIVE_FIRST) {
    const found = newestFirst.find((session) => session.state === state)
    if (found) return found
  }
  return newestFirst[0] ?? null
}

/** Opens the newest live session. */
export function IndexPage() {
  const { isLoaded, rows } = useSessions()
  const { reason, phase } = useConnection()
  const session = newestLive(rows)
  if (session) return <Navigate to="/sessions/$id" params={{ id: session.session_id }} replace />
  return (
    <div className="welcome">
      <Mark size={44} />
      <h1>{isLoaded ? 'No session yet' : 'Asking the desk for its sessions'}</h1>
      <p>
        {isLoaded
          ? 'Start one with the button above: choose strategies and symbols, and watch every state machine think.'
          : phase === 'waiting' || phase === 'stopped'
            ? `The desk does not answer: ${reason || 'no reason known'}. Is papertape running?`
            : 'This takes a moment.'}
      </p>
    </div>
  )
}
