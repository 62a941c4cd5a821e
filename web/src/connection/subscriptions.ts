import type { Pub, ServerMessage, Snap, StreamError, Subscribed, SubRequest } from '../wire/generated'
import { TopicCursor, type TopicUpdate, type Verdict } from './cursor'

export interface SubscriptionEvents {
  deliver(topic: string, update: TopicUpdate): void
  resync(cursor: TopicCursor, why: string): void
  refused(topic: string, error: StreamError): void
  carried(topic: string): void
}

/** A topic this tab wants and the server does not give. */
export interface Refusal {
  topic: string
  message: string
  /** It is asked for again by itself. */
  isTemporary: boolean
}

interface Wanted {
  cursor: TopicCursor
  count: number
  refusal: Refusal | null
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
    this.wanted.set(topic, { cursor, count: 1, refusal: null })
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

  /** What to ask for, without the topics that were refused on this connection. */
  requests(): SubRequest[] {
    return [...this.wanted.values()].flatMap(({ cursor }) => (cursor.isHeld ? [] : [cursor.request()]))
  }

  /** What to ask for anew: what is still wanted of these topics, each from where it stands. */
  requestsAgain(topics: string[]): SubRequest[] {
    return topics.flatMap((topic) => {
      const cursor = this.wanted.get(topic)?.cursor
      cursor?.onDisconnected()
      return cursor ? [cursor.request()] : []
    })
  }

  /** Why topics that are wanted do not come. */
  get refusals(): readonly Refusal[] {
    return [...this.wanted.values()].flatMap(({ refusal }) => (refusal ? [refusal] : []))
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
    const wanted = this.wanted.get(message.topic)
    if (!wanted) return
    const { cursor } = wanted
    if (message.t === 'sub') {
      wanted.refusal = null
      this.events.carried(message.topic)
    }
    if (message.t === 'pub') this.act(cursor, cursor.onPub(message))
    else if (message.t === 'snap') this.act(cursor, cursor.onSnap(message))
    else this.act(cursor, cursor.onSubscribed(message))
  }

  private onRefused(topic: string, error: StreamError): void {
    const wanted = this.wanted.get(topic)
    if (!wanted) return
    wanted.cursor.onRefused(error.temporary)
    wanted.refusal = { topic, message: error.message, isTemporary: error.temporary }
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
