import { createContext, use, useEffect, useState, useSyncExternalStore } from 'react'
import { isLost, type ConnectionStatus } from '../connection'
import type { EquityView, FactRecords, FactTopic, LatestRecords, LatestTopic, SessionView } from '../wire/generated'
import type { Desk } from './desk'
import type { FactsView } from './facts'
import type { LatestView } from './latest'
import type { SessionStores } from './session'

export const DeskContext = createContext<Desk | null>(null)
export const SessionContext = createContext<SessionStores | null>(null)

export function useDesk(): Desk {
  const desk = use(DeskContext)
  if (!desk) throw new Error('There is no desk above this component.')
  return desk
}

export function useSession(): SessionStores {
  const session = use(SessionContext)
  if (!session) throw new Error('There is no session above this component.')
  return session
}

/** Follows a session for as long as the component lives. */
export function useFollow(id: string): SessionStores {
  const desk = useDesk()
  useEffect(() => desk.follow(id), [desk, id])
  return desk.session(id)
}

export function useLatest<K extends LatestTopic>(topic: K): LatestView<LatestRecords[K]> {
  const store = useSession().latest[topic]
  return useSyncExternalStore(store.subscribe, store.get) as LatestView<LatestRecords[K]>
}

export function useFacts<K extends FactTopic>(topic: K): FactsView<FactRecords[K]> {
  const store = useSession().facts[topic]
  return useSyncExternalStore(store.subscribe as (listener: () => void) => () => void, store.get as () => FactsView<FactRecords[K]>)
}

export function useSessions(): LatestView<SessionView> {
  const store = useDesk().sessions
  return useSyncExternalStore(store.subscribe, store.get)
}

/** The session itself: from its own topic, before that from the list of sessions. */
export function useSummary(): SessionView | null {
  const id = useSession().sessionId
  const own = useLatest('summary').rows[0]
  const listed = useSessions().byKey.get(id)
  return own ?? listed ?? null
}

export function useEquity(): EquityView | null {
  return useLatest('equity').rows[0] ?? null
}

export function useConnection(): ConnectionStatus {
  const { connection } = useDesk()
  return useSyncExternalStore(
    (listener) => connection.onStatus(listener),
    () => connection.status(),
  )
}

/** A loss this short is made good before anybody could act on it, milliseconds. */
const LOSS_SHOWN_MS = 1_500

/** Why the desk cannot be reached now, as a sentence; null while it can. */
export function useOffline(): string | null {
  const status = useConnection()
  const isCut = isLost(status)
  const [isShown, setShown] = useState(false)
  useEffect(() => {
    const timer = window.setTimeout(() => setShown(isCut), isCut ? LOSS_SHOWN_MS : 0)
    return () => window.clearTimeout(timer)
  }, [isCut])
  return isCut && isShown ? 'The connection to the desk is lost; this needs the desk.' : null
}

/** The age of what is known, in seconds, while nothing arrives; null before the first frame. */
export function useLastKnownS(): number | null {
  const { connection } = useDesk()
  useSyncExternalStore(onTick, () => tick)
  const ms = connection.frameAgeMs()
  return ms === null ? null : Math.max(0, ms / 1000)
}

/** Whether the session has ended: what is shown of it is final. */
export function useIsFinal(): boolean {
  const state = useSummary()?.state
  return state === 'stopped' || state === 'failed'
}

const tickers = new Set<() => void>()
let tick = 0
let timer: number | null = null

function onTick(listener: () => void): () => void {
  tickers.add(listener)
  timer ??= window.setInterval(() => {
    tick += 1
    for (const run of tickers) run()
  }, 1000)
  return () => {
    tickers.delete(listener)
    if (tickers.size > 0 || timer === null) return
    window.clearInterval(timer)
    timer = null
  }
}

/** The server's clock now, in microseconds, looked at once a second. */
export function useServerNow(): number {
  const { connection } = useDesk()
  useSyncExternalStore(onTick, () => tick)
  return connection.serverNow() * 1000
}
