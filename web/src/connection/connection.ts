import { CLOSE_CODES, type Hello, type PreviousClose, type ServerMessage, type Welcome } from '../wire/generated'
import { backoffMs, websocketProbeMs } from './backoff'
import { ServerClock } from './clock'
import { CloseLog, type CloseRecord } from './closes'
import type { TopicUpdate } from './cursor'
import { Alarm, type Host, type WakeCause } from './host'
import { Ladder } from './ladder'
import { Link, type LinkEnd, type LinkEvents } from './link'
import type { ConnectionStatus, Phase } from './status'
import { Subscriptions } from './subscriptions'
import type { OpenTransport } from './transport'

const STABLE_MS = 30_000
const BATCH_MS = 20
const LINGER_MS = 10_000
const EARLY_PROBE_MS = 1_000

export interface ConnectionOptions {
  host: Host
  open: OpenTransport
  /** Names this tab across its connections. */
  tab: string
  deliver: (topic: string, update: TopicUpdate) => void
}

/**
 * The one stream connection of a tab. It lives outside React, owns the list of topics and their positions, reconnects,
 * falls back and comes back, and remembers every close.
 */
export class Connection {
  private readonly host: Host
  private readonly subscriptions: Subscriptions
  private readonly closes = new CloseLog()
  private readonly clock: ServerClock
  private readonly ladder = new Ladder()
  private readonly retry: Alarm
  private readonly upgrade: Alarm
  private readonly batch: Alarm
  private readonly linger: Alarm
  private readonly listeners = new Set<() => void>()
  private link: Link | null = null
  private candidate: Link | null = null
  private phase: Phase = 'idle'
  private previous: PreviousClose | null = null
  private attempts = 0
  private upgradesTried = 0
  /** WebSocket lived here before, so that a fallback most likely bridges a restart: look for it early, once. */
  private isWebsocketProven = false
  private welcomes = 0
  private isReopening = false
  private connectedAt: number | null = null
  private retryAt: number | null = null
  private lastFrameAt: number | null = null
  private serverLagMs: number | null = null
  private reason = ''
  private pings = new Map<number, number>()
  private nextPing = 1
  private stopWaking: (() => void) | null = null
  /** The topics the present link, and the one being tried, were asked for. */
  private requested = new Set<string>()
  private candidateRequested = new Set<string>()
  private snapshot: ConnectionStatus | null = null

  constructor(private readonly options: ConnectionOptions) {
    this.host = options.host
    this.clock = new ServerClock(() => this.host.wall())
    this.retry = new Alarm(this.host)
    this.upgrade = new Alarm(this.host)
    this.batch = new Alarm(this.host)
    this.linger = new Alarm(this.host)
    this.subscriptions = new Subscriptions({
      deliver: options.deliver,
      resync: (cursor) => this.resubscribe(cursor.topic),
      refused: (topic, error) => this.note(`${topic}: ${error.message}`),
    })
  }

  /** Connects; further calls do nothing. */
  start(): void {
    if (this.stopWaking) return
    this.stopWaking = this.host.onWake((cause) => this.onWake(cause))
    this.connect()
  }

  /** Ends for good, as at the end of a test. */
  stop(): void {
    this.stopWaking?.()
    this.stopWaking = null
    for (const alarm of [this.retry, this.upgrade, this.batch, this.linger]) alarm.clear()
    this.dropCandidate()
    this.link?.close('the page is done')
    this.link = null
    this.setPhase('idle')
  }

  /** Wants a topic until the answer is called; a short absence does not end the subscription. */
  subscribe(topic: string): () => void {
    if (this.subscriptions.add(topic)) this.batch.set(BATCH_MS, () => this.sendNewSubscriptions())
    let released = false
    return () => {
      if (released) return
      released = true
      this.subscriptions.release(topic)
      if (!this.linger.isSet) this.linger.set(LINGER_MS, () => this.sweep())
    }
  }

  /** Tries at once, whatever the schedule says; the trader's button. */
  retryNow(): void {
    if (this.phase === 'stopped' || this.phase === 'waiting') this.connect()
    else this.link?.check()
  }

  status(): ConnectionStatus {
    this.snapshot ??= this.describe()
    return this.snapshot
  }

  onStatus(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** The server's clock now, milliseconds since the epoch. */
  serverNow(): number {
    return this.host.wall() + this.clock.offsetMs
  }

  /** Milliseconds since the newest frame of any kind; null before the first. */
  frameAgeMs(): number | null {
    return this.lastFrameAt === null ? null : this.host.wall() - this.lastFrameAt
  }

  private connect(): void {
    this.retry.clear()
    this.retryAt = null
    this.link?.close('a new attempt starts')
    this.subscriptions.onDisconnected()
    this.setPhase('connecting')
    const requested = new Set<string>()
    this.requested = requested
    this.link = new Link(this.host, this.ladder.kind, this.options.open, () => this.hello(requested), this.linkEvents)
    this.scheduleUpgrade()
  }

  private hello(requested: Set<string>): Hello {
    const subs = this.subscriptions.requests()
    for (const { topic } of subs) requested.add(topic)
    return { t: 'hello', v: 1, tab: this.options.tab, vis: this.host.isVisible(), prev: this.previous, subs }
  }

  private readonly linkEvents: LinkEvents = {
    onWelcome: (link, welcome) => (link === this.candidate ? this.onUpgraded(link, welcome) : this.onWelcome(link, welcome)),
    onMessage: (link, message) => this.onMessage(link, message),
    onProbe: (link) => this.ping(link),
    onEnd: (link, end) => (link === this.candidate ? this.onCandidateEnd(link, end) : this.onEnd(link, end)),
  }

  private onWelcome(link: Link, welcome: Welcome): void {
    this.welcomes += this.isReopening ? 0 : 1
    this.isReopening = false
    this.previous = null
    this.connectedAt = this.host.wall()
    this.lastFrameAt = this.host.wall()
    this.reason = ''
    this.clock.onStamp(welcome.srv_ts)
    this.ping(link)
    this.setPhase(this.subscriptions.isCurrent ? 'live' : 'catching_up')
    this.sendNewSubscriptions()
    if (link.kind !== 'websocket' && this.isWebsocketProven) {
      this.isWebsocketProven = false
      this.upgrade.set(EARLY_PROBE_MS, () => this.tryUpgrade())
    }
  }

  private onMessage(link: Link, message: ServerMessage): void {
    if (link !== this.link) return
    this.lastFrameAt = this.host.wall()
    if (message.t === 'pong') this.onPong(message.id, message.srv_ts)
    else if (message.t === 'hb') this.onHeartbeat(link, message.srv_ts, message.lag_ms)
    this.subscriptions.onMessage(message)
    if (message.t === 'err' && !message.topic) this.note(message.message)
    if (this.phase === 'catching_up' && this.subscriptions.isCurrent) this.setPhase('live')
  }

  private onHeartbeat(link: Link, srvTs: number, lagMs: number): void {
    this.clock.onStamp(srvTs)
    this.serverLagMs = lagMs
    if (this.host.isVisible()) this.ping(link)
    this.changed()
  }

  private ping(link: Link): void {
    const id = this.nextPing
    if (!link.send({ t: 'ping', id })) return
    this.nextPing += 1
    this.pings.set(id, this.host.now())
    for (const old of this.pings.keys()) if (old <= id - 16) this.pings.delete(old)
  }

  private onPong(id: number, srvTs: number): void {
    const sent = this.pings.get(id)
    if (sent === undefined) return
    this.pings.delete(id)
    this.clock.onRoundTrip(srvTs, this.host.now() - sent)
    this.changed()
  }

  private onEnd(link: Link, end: LinkEnd): void {
    if (link !== this.link) return
    this.link = null
    this.pings.clear()
    this.record(link, end)
    this.connectedAt = null
    this.reason = end.reason
    const reaction = this.reactionTo(end.code)
    if (reaction === 'stop') return this.setPhase('stopped')
    if (link.kind === 'websocket' && !Ladder.isFailure(end.aliveMs)) this.isWebsocketProven = true
    const isPlanned = reaction === 'at_once' && end.aliveMs !== null
    const isNewTransport = !isPlanned && this.ladder.onEnd(end.aliveMs)
    this.reconnectIn(Math.max(this.waitAfter(end, isPlanned || isNewTransport), end.retryMs ?? 0))
  }

  /** Milliseconds to stay away. A planned close and the first try of another transport need no patience. */
  private waitAfter(end: LinkEnd, isAtOnce: boolean): number {
    if ((end.aliveMs ?? 0) >= STABLE_MS) {
      this.attempts = 0
      this.upgradesTried = 0
    }
    if (isAtOnce) return this.host.random() * 250
    this.attempts += 1
    return backoffMs(this.attempts, () => this.host.random())
  }

  private reactionTo(code: number | null): 'stop' | 'back_off' | 'at_once' {
    if (code === null) return 'back_off'
    const declared = CLOSE_CODES[code]
    if (declared) return declared.reaction
    if (code >= 4000 && code < 4100) return 'stop'
    return code >= 4200 && code < 4400 ? 'at_once' : 'back_off'
  }

  private reconnectIn(ms: number): void {
    this.subscriptions.onDisconnected()
    this.retryAt = this.host.wall() + ms
    this.retry.set(ms, () => this.connect())
    this.setPhase('waiting')
  }

  private record(link: Link, end: LinkEnd): void {
    const record: Omit<CloseRecord, 'id'> = {
      at: this.host.wall(),
      conn: link.conn,
      transport: link.kind,
      code: end.code,
      by: end.by,
      reason: end.reason,
      ageMs: Math.round(end.aliveMs ?? end.ageMs),
      silentMs: end.silentMs === null ? null : Math.round(end.silentMs),
      isFailure: Ladder.isFailure(end.aliveMs),
    }
    this.closes.add(record)
    const { conn, code, reason, transport, ageMs, silentMs } = record
    this.previous = { conn, code, reason, transport, age_ms: ageMs, silent_ms: silentMs }
    this.changed()
  }

  // Coming back to WebSocket while a fallback carries the stream.

  private scheduleUpgrade(): void {
    if (this.ladder.kind === 'websocket' || this.upgrade.isSet || this.candidate) return
    this.upgrade.set(websocketProbeMs(this.upgradesTried), () => this.tryUpgrade())
  }

  private tryUpgrade(): void {
    this.upgrade.clear()
    if (this.ladder.kind === 'websocket' || this.candidate || this.phase === 'stopped') return
    this.upgradesTried += 1
    const requested = new Set<string>()
    this.candidateRequested = requested
    this.candidate = new Link(this.host, 'websocket', this.options.open, () => this.hello(requested), this.linkEvents)
  }

  private onUpgraded(link: Link, welcome: Welcome): void {
    this.candidate = null
    this.retry.clear()
    this.link?.close('WebSocket works again')
    this.ladder.onUpgrade()
    this.subscriptions.onDisconnected()
    this.link = link
    this.requested = this.candidateRequested
    this.onWelcome(link, welcome)
  }

  private onCandidateEnd(link: Link, end: LinkEnd): void {
    this.candidate = null
    this.record(link, { ...end, reason: `probe while on ${this.ladder.kind}: ${end.reason}` })
    this.scheduleUpgrade()
  }

  private dropCandidate(): void {
    this.candidate?.close('not needed')
    this.candidate = null
  }

  private onWake(cause: WakeCause): void {
    if (cause === 'hidden' || cause === 'visible') this.link?.send({ t: 'vis', visible: cause === 'visible' })
    if (cause === 'hidden') return
    if (this.phase === 'waiting') this.connect()
    else this.link?.check()
    if (this.ladder.kind !== 'websocket') this.tryUpgrade()
  }

  // Changing the list of topics on a living connection.

  private sendNewSubscriptions(): void {
    this.batch.clear()
    if (!this.link || this.link.welcomedAt === null) return
    const fresh = this.subscriptions.requests().filter(({ topic }) => !this.requested.has(topic))
    if (fresh.length === 0) return
    if (!this.link.send({ t: 'sub', subs: fresh })) return this.reopen()
    for (const { topic } of fresh) this.requested.add(topic)
    if (this.phase === 'live') this.setPhase('catching_up')
  }

  private resubscribe(topic: string): void {
    const link = this.link
    if (!link) return
    const isSent = link.send({ t: 'unsub', topics: [topic] }) && link.send({ t: 'sub', subs: [{ topic }] })
    if (!isSent) this.batch.set(BATCH_MS, () => this.reopen())
    if (this.phase === 'live') this.setPhase('catching_up')
  }

  /** A one-way transport learns a new list only by a new hello; this is not a reconnect. */
  private reopen(): void {
    this.isReopening = true
    this.connect()
  }

  private sweep(): void {
    const topics = this.subscriptions.sweep()
    for (const topic of topics) this.requested.delete(topic)
    if (topics.length > 0) this.link?.send({ t: 'unsub', topics })
    this.changed()
  }

  private note(reason: string): void {
    this.reason = reason
    this.changed()
  }

  private setPhase(phase: Phase): void {
    this.phase = phase
    this.changed()
  }

  private changed(): void {
    this.snapshot = null
    for (const listener of this.listeners) listener()
  }

  private describe(): ConnectionStatus {
    return {
      phase: this.phase,
      transport: this.link?.kind ?? this.ladder.kind,
      conn: this.link?.conn ?? null,
      reconnects: Math.max(0, this.welcomes - 1),
      connectedAt: this.connectedAt,
      retryAt: this.retryAt,
      lastFrameAt: this.lastFrameAt,
      rttMs: this.clock.rttMs,
      clockOffsetMs: this.clock.offsetMs,
      serverLagMs: this.serverLagMs,
      reason: this.reason,
      duplicates: this.subscriptions.duplicates,
      resyncs: this.subscriptions.resyncs,
      topics: this.subscriptions.size,
      closes: this.closes.records,
    }
  }
}
