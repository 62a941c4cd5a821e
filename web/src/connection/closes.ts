import { CLOSE_CODES, type PreviousClose } from '../wire/generated'
import type { Link, LinkEnd } from './link'
import type { TransportEnd, TransportKind } from './transport'

/** One ended connection as this browser saw it. Times in milliseconds. */
export interface CloseRecord {
  id: number
  at: number
  conn: string | null
  transport: TransportKind
  code: number | null
  by: 'client' | 'server' | 'network'
  reason: string
  ageMs: number
  silentMs: number | null
  /** The attempt was not welcomed, or died young. */
  isFailure: boolean
}

const KEPT = 100
const ALIVE_MS = 10_000

/** Whether a connection counts as failed: never welcomed, or dead before 10 s of life. */
export function isFailure(aliveMs: number | null): boolean {
  return aliveMs === null || aliveMs < ALIVE_MS
}

/** Who closed, by the code: the server names its reasons from 4000 on, the browser reports 1006 for a cut. */
export function closedBy(end: TransportEnd): 'server' | 'network' {
  if (end.code === null) return 'network'
  return end.code in CLOSE_CODES || (end.code >= 1000 && end.code !== 1006 && end.code !== 1005) ? 'server' : 'network'
}

/** What the next `hello` tells: the last connection that was welcomed, and how many tries since got no welcome. */
export function previousAfter(before: PreviousClose | null, record: CloseRecord, wasWelcomed: boolean): PreviousClose {
  const attempts = wasWelcomed ? 0 : (before?.attempts ?? 0) + 1
  if (!wasWelcomed && before?.conn) return { ...before, attempts }
  const { conn, code, reason, transport, ageMs, silentMs } = record
  return { conn, code, reason, transport, age_ms: ageMs, silent_ms: silentMs, attempts }
}

/** Every close of this tab, newest first. */
export class CloseLog {
  private next = 1
  records: readonly CloseRecord[] = []

  add(at: number, { conn, kind }: Pick<Link, 'conn' | 'kind'>, end: LinkEnd): CloseRecord {
    const entry: CloseRecord = {
      id: this.next,
      at,
      conn,
      transport: kind,
      code: end.code,
      by: end.by,
      reason: end.reason,
      ageMs: Math.round(end.aliveMs ?? end.ageMs),
      silentMs: end.silentMs === null ? null : Math.round(end.silentMs),
      isFailure: isFailure(end.aliveMs),
    }
    this.next += 1
    this.records = [entry, ...this.records].slice(0, KEPT)
    return entry
  }
}
