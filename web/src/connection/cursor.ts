import type { Pub, Snap, Subscribed, SubRequest } from '../wire/generated'

/** What a store receives. `records` of a fact topic are a list; values of a latest topic are a map by key. */
export type TopicUpdate =
  | { kind: 'snapshot'; epoch: string; seq: number; pages: readonly unknown[] }
  | { kind: 'publication'; epoch: string; seq: number; ts: number; data: unknown }

export type Verdict = { kind: 'deliver'; update: TopicUpdate } | { kind: 'ignore' } | { kind: 'resync'; why: string }

const IGNORE: Verdict = { kind: 'ignore' }

/**
 * The position on one topic, and the proof that nothing is missing: duplicates are dropped, a hole asks for a resync.
 */
export class TopicCursor {
  epoch: string | null = null
  seq: number | null = null
  duplicates = 0
  private awaiting: 'sub' | 'snap' | null = 'sub'
  private pages: Snap[] = []
  private headBefore: number | null = null
  private hold: 'no' | 'until_asked' | 'for_good' = 'no'

  constructor(readonly topic: string) {}

  get isCurrent(): boolean {
    return this.hold === 'for_good' || this.awaiting === null
  }

  /** Whether the server refused it, so that asking again at once is no use. */
  get isHeld(): boolean {
    return this.hold !== 'no'
  }

  request(): SubRequest {
    return this.epoch !== null && this.seq !== null
      ? { topic: this.topic, epoch: this.epoch, seq: this.seq }
      : { topic: this.topic }
  }

  /** A new connection: everything in flight is gone, the position stays. */
  onDisconnected(): void {
    this.hold = 'no'
    this.awaiting = 'sub'
    this.pages = []
    this.headBefore = null
  }

  /** Forgets the position, so that the next subscription is answered by a snapshot. */
  forget(): void {
    this.onDisconnected()
    this.epoch = null
    this.seq = null
  }

  /** The server does not carry this topic now. A refusal for good leaves nothing to wait for. */
  onRefused(isTemporary: boolean): void {
    this.hold = isTemporary ? 'until_asked' : 'for_good'
  }

  onSubscribed(message: Subscribed): Verdict {
    this.pages = []
    this.headBefore = null
    this.hold = 'no'
    if (!message.resumed) {
      this.awaiting = 'snap'
      return IGNORE
    }
    if (message.epoch !== this.epoch || this.seq === null || message.from > this.seq) {
      return { kind: 'resync', why: `resumed at ${message.epoch}/${message.from}, but here is ${this.epoch}/${this.seq}` }
    }
    // What was missed follows at once, in order; `to` is the tape's head, not this topic's, so it marks no end.
    this.awaiting = null
    return IGNORE
  }

  onSnap(message: Snap): Verdict {
    const first = this.pages[0]
    if (first && (first.epoch !== message.epoch || first.seq !== message.seq || message.page === 1)) this.pages = []
    if (message.page !== this.pages.length + 1) {
      return { kind: 'resync', why: `page ${message.page} of a snapshot came where page ${this.pages.length + 1} was expected` }
    }
    this.pages.push(message)
    if (this.pages.length < message.of) return IGNORE
    const pages = this.pages.map((page) => page.data)
    this.pages = []
    this.awaiting = null
    this.epoch = message.epoch
    this.seq = message.seq
    this.headBefore = null
    return { kind: 'deliver', update: { kind: 'snapshot', epoch: message.epoch, seq: message.seq, pages } }
  }

  onPub(message: Pub): Verdict {
    // Before its snapshot is complete a topic has no position; what the snapshot holds comes with it.
    if (this.awaiting !== null) return IGNORE
    if (message.epoch !== this.epoch) return { kind: 'resync', why: `epoch ${this.epoch} ended` }
    const seq = this.seq ?? 0
    // A latest value may come in several publications of one seq; repeating one does no harm.
    const isSeen = message.prev == null ? message.seq < seq : message.seq <= seq
    if (isSeen) {
      this.duplicates += 1
      return IGNORE
    }
    if (message.prev != null && message.prev > seq) {
      return { kind: 'resync', why: `seq ${message.prev} is missing after ${seq}` }
    }
    this.seq = message.seq
    const { epoch, ts, data } = message
    return { kind: 'deliver', update: { kind: 'publication', epoch, seq: message.seq, ts, data } }
  }

  /** Heartbeats overtake data, so a head counts as missed only when it has not arrived by the next heartbeat. */
  onHead(head: number): Verdict {
    if (this.awaiting !== null || this.seq === null) return IGNORE
    const expected = this.headBefore
    this.headBefore = head > this.seq ? head : null
    if (expected !== null && this.seq < expected) {
      this.headBefore = null
      return { kind: 'resync', why: `head ${expected} never arrived; last seen ${this.seq}` }
    }
    return IGNORE
  }
}
