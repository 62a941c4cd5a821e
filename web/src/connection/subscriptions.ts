import type { Pub, ServerMessage, Snap, StreamError, Subscribed, SubRequest } from '../wire/generated'
import { TopicCursor, type TopicUpdate, type Verdict } from './cursor'

export interface SubscriptionEvents {
  deliver(topic: string, update: TopicUpdate): void
  resync(cursor: TopicCursor, why: string): void
  refused(topic: string, error: StreamError): void
}

interface Wanted {
  cursor: TopicCursor
  count: number
}

/** The topics this tab wants and where it stands on each. The list belongs to the client; a connection only borrows it. */
export class Subscriptions {
  private readonly wanted = new Map<string, Wanted>()
  resyncs = 0

  constructor(private readonly events: SubscriptionEvents) {}

  get size(): number {
    return this.wanted.size
  }

  get duplicates(): number {
    let sum = 0
    for (const { cursor } of this.wanted.values()) sum += cursor.duplicates
    return sum
  }

  get isCurrent(): boolean {
    for (const { cursor } of this.wanted.values()) if (!cursor.isCurrent) return false
    return true
  }

  /** Wants a topic once more; answers its cursor when it is new. */
  add(topic: string): TopicCursor | null {
    const known = this.wanted.get(topic)
    if (known) {
      known.count += 1
      return null
    }
    const cursor = new TopicCursor(topic)
    this.wanted.set(topic, { cursor, count: 1 })
    return cursor
  }

  release(topic: string): void {
    const known = this.wanted.get(topic)
    if (known) known.count -= 1
  }

  /** Drops the topics nobody wants any more and answers their names. */
  sweep(): string[] {
    const idle = [...this.wanted].filter(([, one]) => one.count <= 0).map(([topic]) => topic)
    for (const topic of idle) this.wanted.delete(topic)
    return idle
  }

  requests(): SubRequest[] {
    return [...this.wanted.values()].map(({ cursor }) => cursor.request())
  }

  onDisconnected(): void {
    for (const { cursor } of this.wanted.values()) cursor.onDisconnected()
  }

  onMessage(message: ServerMessage): void {
    if (message.t === 'pub' || message.t === 'snap' || message.t === 'sub') this.onTopicMessage(message)
    else if (message.t === 'hb') for (const [topic, head] of Object.entries(message.heads)) this.onHead(topic, head)
    else if (message.t === 'err' && message.topic) this.onRefused(message.topic, message)
  }

  private onTopicMessage(message: Pub | Snap | Subscribed): void {
    const cursor = this.wanted.get(message.topic)?.cursor
    if (!cursor) return
    if (message.t === 'pub') this.act(cursor, cursor.onPub(message))
    else if (message.t === 'snap') this.act(cursor, cursor.onSnap(message))
    else this.act(cursor, cursor.onSubscribed(message))
  }

  private onRefused(topic: string, error: StreamError): void {
    if (!error.temporary) this.wanted.get(topic)?.cursor.onRefused()
    this.events.refused(topic, error)
  }

  private onHead(topic: string, head: number): void {
    const cursor = this.wanted.get(topic)?.cursor
    if (cursor) this.act(cursor, cursor.onHead(head))
  }

  private act(cursor: TopicCursor, verdict: Verdict): void {
    if (verdict.kind === 'deliver') this.events.deliver(cursor.topic, verdict.update)
    if (verdict.kind !== 'resync') return
    this.resyncs += 1
    cursor.forget()
    this.events.resync(cursor, verdict.why)
  }
}
