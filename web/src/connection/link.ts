import type { Bye, ClientMessage, Hello, ServerMessage, Welcome } from '../wire/generated'
import { closedBy } from './closes'
import { Alarm, LATE_MS, type Host } from './host'
import { Liveness } from './liveness'
import type { OpenTransport, Transport, TransportEnd, TransportKind } from './transport'

const WELCOME_MS = 10_000
/** A link that waits for its welcome when the tab wakes up gets this long for what is on its way already. */
const WELCOME_AFTER_WAKE_MS = 2_000

/** The client's own close code: silent, probed and still silent. */
export const CLOSE_DEAD = 4900
/** The client's own close code: no welcome within 10 s. */
export const CLOSE_NO_WELCOME = 4901
/** The client's own close code: not needed any more. */
export const CLOSE_DONE = 1000

export interface LinkEnd {
  code: number | null
  by: 'client' | 'server' | 'network'
  reason: string
  /** Milliseconds since the welcome; null when there was none. */
  aliveMs: number | null
  ageMs: number
  silentMs: number | null
  retryMs: number | null
}

export interface LinkEvents {
  onWelcome(link: Link, welcome: Welcome): void
  onMessage(link: Link, message: ServerMessage): void
  onRaw(link: Link, direction: 'in' | 'out', text: string): void
  /** Answers whether a probe could be sent. */
  onProbe(link: Link): boolean
  onEnd(link: Link, end: LinkEnd): void
}

/** One attempt at a connection, from its opening to its end, with its deadline and its verdict of liveness. */
export class Link {
  conn: string | null = null
  welcomedAt: number | null = null
  readonly openedAt: number
  private readonly transport: Transport
  private readonly deadline: Alarm
  private readonly liveness: Liveness
  private bye: Bye | null = null
  private retryAfterMs: number | null = null
  private isOver = false

  constructor(
    private readonly host: Host,
    readonly kind: TransportKind,
    open: OpenTransport,
    hello: () => Hello,
    private readonly events: LinkEvents,
  ) {
    this.openedAt = host.now()
    this.deadline = new Alarm(host)
    this.liveness = new Liveness(host, {
      sendProbe: () => events.onProbe(this),
      onDead: (silentMs) => this.end(CLOSE_DEAD, `silent for ${Math.round(silentMs / 1000)} s and no answer to a probe`),
    })
    this.armDeadline(WELCOME_MS)
    this.transport = open(kind, hello, {
      onMessage: (message) => this.onMessage(message),
      onRaw: (direction, text) => events.onRaw(this, direction, text),
      onEnd: (end) => this.onTransportEnd(end),
    })
  }

  get silentMs(): number | null {
    return this.welcomedAt === null ? null : this.liveness.silentMs()
  }

  send(message: ClientMessage): boolean {
    return !this.isOver && this.transport.send(message)
  }

  /** The tab woke up: ask whether the other side is still there. */
  check(): void {
    if (this.isOver) return
    if (this.welcomedAt !== null) this.liveness.check()
    else if (this.host.now() - this.openedAt > WELCOME_MS) this.armDeadline(WELCOME_AFTER_WAKE_MS)
  }

  /** Ends it on purpose and silently. */
  close(reason: string): void {
    if (this.finish()) this.transport.close(CLOSE_DONE, reason)
  }

  private armDeadline(ms: number): void {
    this.deadline.set(ms, (late) => {
      if (late > LATE_MS || !this.host.isVisible()) this.armDeadline(WELCOME_MS)
      else this.end(CLOSE_NO_WELCOME, 'no welcome within 10 s')
    })
  }

  private onMessage(message: ServerMessage): void {
    if (this.isOver) return
    this.liveness.onFrame()
    if (message.t === 'bye') this.bye = message
    else if (message.t === 'welcome') this.onWelcome(message)
    else this.events.onMessage(this, message)
  }

  private onWelcome(welcome: Welcome): void {
    this.conn = welcome.conn
    if (this.welcomedAt !== null) return
    this.welcomedAt = this.host.now()
    this.deadline.clear()
    this.liveness.start(welcome.dead_s)
    this.events.onWelcome(this, welcome)
  }

  private end(code: number, reason: string): void {
    const summary = this.summary(code, 'client', reason)
    if (!this.finish()) return
    this.transport.close(code, reason)
    this.events.onEnd(this, summary)
  }

  private onTransportEnd(end: TransportEnd): void {
    this.retryAfterMs = end.retryMs ?? null
    const code = this.bye?.code ?? end.code
    const by = this.bye ? 'server' : closedBy(end)
    const summary = this.summary(code, by, this.bye?.reason ?? end.reason)
    if (this.finish()) this.events.onEnd(this, summary)
  }

  private finish(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.deadline.clear()
    this.liveness.stop()
    return true
  }

  private summary(code: number | null, by: LinkEnd['by'], reason: string): LinkEnd {
    const now = this.host.now()
    return {
      code,
      by,
      reason: reason || 'no reason given',
      aliveMs: this.welcomedAt === null ? null : now - this.welcomedAt,
      ageMs: now - this.openedAt,
      silentMs: this.silentMs,
      retryMs: this.bye?.retry_ms ?? this.retryAfterMs,
    }
  }
}
