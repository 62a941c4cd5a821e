import { useEffect, useState } from 'react'
import type { ConnectionStatus } from '../connection'
import { useConnection, useDesk, useServerNow } from '../stores'
import { span, type Tone } from '../ui'

export type BadgeState = 'live' | 'catching_up' | 'polling' | 'offline' | 'stopped'

/** What the trader needs to know of a connection, in one word. */
export function badgeState({ phase, transport }: Pick<ConnectionStatus, 'phase' | 'transport'>): BadgeState {
  if (phase === 'stopped') return 'stopped'
  if (phase === 'idle' || phase === 'waiting' || phase === 'connecting') return 'offline'
  if (phase === 'catching_up') return 'catching_up'
  return transport === 'websocket' ? 'live' : 'polling'
}

const WORDS: Record<BadgeState, string> = {
  live: 'Live',
  catching_up: 'Catching up',
  polling: 'Live by fallback',
  offline: 'Offline',
  stopped: 'Refused',
}

const TONES: Record<BadgeState, Tone> = { live: 'teal', catching_up: 'blue', polling: 'amber', offline: 'red', stopped: 'red' }
const TRANSPORTS = { websocket: 'WebSocket', sse: 'event stream', poll: 'long polling' } as const

/** A connection that is only just being made is not an alarm yet. */
function useSettled(state: BadgeState): BadgeState | null {
  const [isEarly, setEarly] = useState(true)
  useEffect(() => {
    const timer = window.setTimeout(() => setEarly(false), 2000)
    return () => window.clearTimeout(timer)
  }, [])
  return state === 'offline' && isEarly ? null : state
}

function detailOf(status: ConnectionStatus, frameAgeMs: number | null): string {
  const parts: string[] = [TRANSPORTS[status.transport]]
  if (status.phase === 'waiting' && status.retryAt !== null) {
    parts.push(`next attempt in ${span((status.retryAt - Date.now()) / 1000 + 0.5)}`)
  } else if (status.phase === 'connecting') parts.push('connecting')
  if (status.rttMs !== null && (status.phase === 'live' || status.phase === 'catching_up')) parts.push(`${Math.max(1, Math.round(status.rttMs))} ms`)
  if (frameAgeMs !== null && frameAgeMs >= 1000) parts.push(`newest data ${span(frameAgeMs / 1000)} ago`)
  return parts.join(' · ')
}

export function ConnectionBadge() {
  const status = useConnection()
  const { connection } = useDesk()
  useServerNow()
  const state = badgeState(status)
  const shown = useSettled(state)
  const detail = detailOf(status, connection.frameAgeMs())
  return (
    <button
      type="button"
      className={`badge tone-${shown ? TONES[shown] : 'blue'}`}
      data-testid="connection-badge"
      data-transport={status.transport}
      data-state={state}
      data-reconnects={status.reconnects}
      title={`${status.reason || 'No fault known.'} Press to ${state === 'live' ? 'probe' : 'try'} now.`}
      onClick={() => connection.retryNow()}
    >
      <span className="badge-dot" />
      <span className="badge-word" role="status">
        {shown ? WORDS[shown] : 'Connecting'}
      </span>
      <span className="badge-detail">{detail}</span>
    </button>
  )
}
