import type {
  BarView,
  Connections,
  EquityMarked,
  FeedView,
  Instrument,
  Listing,
  Page,
  Resumed,
  SessionView,
  StartSession,
  StoreStatus,
  StrategyView,
} from '../wire/generated'
import { get, post } from './api'

const sessionPath = (id: string) => `/api/sessions/${encodeURIComponent(id)}`

/** What a page asks of the server beside the stream. */
export const ask = {
  feeds: (signal?: AbortSignal) => get<Listing<FeedView>>('/api/feeds', {}, signal),
  strategies: (signal?: AbortSignal) => get<Listing<StrategyView>>('/api/strategies', {}, signal),
  instruments: (feed: string | null, q: string, signal?: AbortSignal) =>
    get<Listing<Instrument>>('/api/instruments', { feed, q, limit: 50 }, signal),
  bars: (id: string, instrument: string, interval: number, signal?: AbortSignal) =>
    get<Page<BarView>>(`${sessionPath(id)}/bars`, { instrument, interval, limit: 600 }, signal),
  /** The newest marks of the account, newest first. */
  equity: (id: string, signal?: AbortSignal) =>
    get<Page<EquityMarked>>(`${sessionPath(id)}/equity`, { newest_first: 'true', limit: 10_000 }, signal),
  connections: (signal?: AbortSignal) => get<Connections>('/api/connections', {}, signal),
  store: (signal?: AbortSignal) => get<StoreStatus>('/api/store', {}, signal),
}

/** What the trader orders. */
export const command = {
  start: (request: StartSession, key: string) => post<SessionView>('/api/sessions', request, key),
  stop: (id: string, closePositions: boolean) => post<SessionView>(`${sessionPath(id)}/stop`, { close_positions: closePositions }),
  pauseEntries: (id: string) => post<SessionView>(`${sessionPath(id)}/pause-entries`),
  resume: (id: string) => post<SessionView>(`${sessionPath(id)}/resume`),
  emergencyStop: (id: string) => post<SessionView>(`${sessionPath(id)}/emergency-stop`),
  closePosition: (id: string, instrument: string) =>
    post<SessionView>(`${sessionPath(id)}/positions/${encodeURIComponent(instrument)}/close`),
  /** Lets QuestDB go on with the tables it has suspended. */
  resumeStore: () => post<Resumed>('/api/store/resume'),
}
