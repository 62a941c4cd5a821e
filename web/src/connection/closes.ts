import { CLOSE_CODES } from '../wire/generated'
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
  /** The attempt never received a welcome. */
  isFailure: boolean
}

const KEPT = 100

/** Who closed, by the code: the server names its reasons from 4000 on, the browser reports 1006 for a cut. */
export function closedBy(end: TransportEnd): 'server' | 'network' {
  if (end.code === null) return 'network'
  return end.code in CLOSE_CODES || (end.code >= 1000 && end.code !== 1006 && end.code !== 1005) ? 'server' : 'network'
}

/** Every close of this tab, newest first. */
export class CloseLog {
  private next = 1
  records: readonly CloseRecord[] = []

  add(record: Omit<CloseRecord, 'id'>): CloseRecord {
    const entry = { ...record, id: this.next }
    this.next += 1
    this.records = [entry, ...this.records].slice(0, KEPT)
    return entry
  }
}
