import type { Hello, PreviousClose, ServerMessage, Welcome } from '../wire/generated'
import { Backoff, STABLE_MS } from './backoff'
import { ServerClock } from './clock'
import { CloseLog, isFailure, previousAfter } from './closes'
import type { TopicUpdate } from './cursor'
import { FrameLog } from './frame_log'
import { Alarm, type Host, type WakeCause } from './host'
import { Ladder } from './ladder'
import { Link, type LinkEnd, type LinkEvents } from './link'
import { reactionTo } from './reaction'
import { SleepWatch } from './sleep_watch'
import type { ConnectionStatus, Phase } from './status'
import { Subscriptions } from './subscriptions'
import { TopicPatience } from './topic_patience'
import type { OpenTransport, TransportKind } from './transport'
import { WayBack } from './way_back'

const BATCH_MS = 20
/** A browser closes the socket of a page it freezes, and says so only when the page goes on. */
const JUST_WOKEN_MS = 2_000
const LINGER_MS = 10_000
/** A transport that cannot be probed is opened anew when the tab wakes up after a silence longer than a held poll. */
const ONE_WAY_SILENT_MS = 30_000

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
  readonly frames: FrameLog
  private readonly host: Host
  private readonly subscriptions: Subscriptions
  private readonly closes = new CloseLog()
  private readonly clock: ServerClock
  private readonly ladder = new Ladder()
  private readonly wayBack: WayBack
  private readonly patience: TopicPatience
  private readonly sleepWatch: SleepWatch
  private readonly retry: Alarm
  private readonly batch: Alarm
  private readonly linger: Alarm
  private readonly listeners = new Set<() => void>()
  private link: Link | null = null
  private phase: Phase = 'idle'
  private previous: PreviousClose | null = null
  private readonly backoff: Backoff
  private welcomes = 0
  private isReopening = false
  private connectedAt: number | null = null
  private retryAt: number | null = null
  private lastFrameAt: number | null = null
  private serverLagMs: number | null = null
  private reason = ''
  private wokeAt: number | null = null
  private stopWaking: (() => void) | null = null
  /** The topics the present link, and the one being tried, were asked for. */
  private requested = new Set<string>()
  private candidateRequested = new Set<string>()
  private snapshot: ConnectionStatus | null = null

  constructor(private readonly options: ConnectionOptions) {
    const host = options.host
    this.host = host
    this.frames = new FrameLog(() => host.wall())
    this.clock = new ServerClock(() => host.wall())
    this.backoff = new Backoff(() => host.random())
    this.retry = new Alarm(host)
    this.batch = new Alarm(host)
    this.linger = new Alarm(host)
    this.wayBack = new WayBack(host, () => this.openCandidate())
    this.patience = new TopicPatience(host, (topics) => this.askAgain(topics))
    this.sleepWatch = new SleepWatch(host, () => this.onWake('sleep'))
    this.subscriptions = new Subscriptions({
      deliver: options.deliver,
      resync: (cursor) => this.onHole(cursor.topic),
      refused: (topic, error) => {
        if (error.temporary) this.patience.later(topic)
        this.note(`${topic}: ${error.message}`)
      },
      carried: (topic) => this.patience.forget(topic),
    })
  }

  /** Connects; further calls do nothing. */
  start(): void {
    if (this.stopWaking) return
    this.stopWaking = this.host.onWake((cause) => this.onWake(cause))
    this.sleepWatch.start()
    this.connect()
  }

  /** Ends for good, as at the end of a test. */
  stop(): void {
    this.stopWaking?.()
    this.stopWaking = null
    this.sleepWatch.stop()
    this.patience.clear()
    for (const alarm of [this.retry, this.batch, this.linger]) alarm.clear()
    this.wayBack.drop()
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

  /** Looks for WebSocket now, while a fallback carries the stream. */
  tryWebSocket(): void {
    this.wayBack.tryNow()
    this.changed()
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
    this.link?.close('a new attempt starts')
    this.disconnectTopics()
    this.setPhase('connecting')
    const requested = new Set<string>()
    this.requested = requested
    this.link = this.openLink(this.ladder.kind, requested)
    this.wayBack.schedule()
  }

  private openLink(kind: TransportKind, requested: Set<string>): Link {
    return new Link(this.host, kind, this.options.open, () => this.hello(requested), this.linkEvents)
  }

  private hello(requested: Set<string>): Hello {
    const subs = this.subscriptions.requests()
    for (const { topic } of subs) requested.add(topic)
    return { t: 'hello', v: 1, tab: this.options.tab, vis: this.host.isVisible(), batch: true, prev: this.previous, subs }
  }

  private readonly linkEvents: LinkEvents = {
    onWelcome: (link, welcome) => (link === this.wayBack.candidate ? this.onUpgraded(link, welcome) : this.onWelcome(link, welcome)),
    onMessage: (link, message) => this.onMessage(link, message),
    onRaw: (link, direction, text) => this.frames.add(direction, link.kind, text),
    onProbe: (link) => this.ping(link),
    onEnd: (link, end) => (link === this.wayBack.candidate ? this.onCandidateEnd(link, end) : this.onEnd(link, end)),
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
    if (link.kind !== 'websocket') this.wayBack.onFallbackWelcome()
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

  private ping(link: Link): boolean {
    if (!link.send({ t: 'ping', id: this.clock.nextId })) return false
    this.clock.onPing(this.host.now())
    return true
  }

  private onPong(id: number, srvTs: number): void {
    this.clock.onPong(id, srvTs, this.host.now())
    this.changed()
  }

  private onEnd(link: Link, end: LinkEnd): void {
    if (link !== this.link) return
    this.link = null
    this.clock.onDisconnected()
    const record = this.closes.add(this.host.wall(), link, end)
    this.previous = previousAfter(this.previous, record, end.aliveMs !== null)
    this.connectedAt = null
    this.reason = end.reason
    if (reactionTo(end.code) === 'stop') return this.giveUp()
    if (link.kind === 'websocket' && !isFailure(end.aliveMs)) this.wayBack.onWebSocketEnd((end.aliveMs ?? 0) >= STABLE_MS)
    const isPlanned = (reactionTo(end.code) === 'at_once' && end.aliveMs !== null) || this.hasDiedAsleep(end)
    const isNewTransport = !isPlanned && this.ladder.onEnd(end.aliveMs)
    if (link.kind === 'websocket' && this.ladder.kind !== 'websocket') this.wayBack.begin(record.reason)
    if (this.ladder.kind === 'websocket') this.wayBack.giveUp()
    this.reconnectIn(Math.max(this.backoff.waitAfter(end, isPlanned || isNewTransport), end.retryMs ?? 0))
  }

  private giveUp(): void {
    this.wayBack.drop()
    this.disconnectTopics()
    this.setPhase('stopped')
  }

  private reconnectIn(ms: number): void {
    this.disconnectTopics()
    this.retryAt = this.host.wall() + ms
    this.retry.set(ms, () => this.connect())
    this.setPhase('waiting')
  }

  private disconnectTopics(): void {
    this.patience.clear()
    this.subscriptions.onDisconnected()
  }

  // Coming back to WebSocket while a fallback carries the stream.

  private openCandidate(): Link {
    this.candidateRequested = new Set<string>()
    return this.openLink('websocket', this.candidateRequested)
  }

  private onUpgraded(link: Link, welcome: Welcome): void {
    this.wayBack.end()
    this.retry.clear()
    this.link?.close('WebSocket works again')
    this.ladder.onUpgrade()
    this.disconnectTopics()
    this.link = link
    this.requested = this.candidateRequested
    this.onWelcome(link, welcome)
  }

  private onCandidateEnd(link: Link, end: LinkEnd): void {
    this.closes.add(this.host.wall(), link, { ...end, reason: `probe while on ${this.ladder.kind}: ${end.reason}` })
    this.wayBack.onCandidateEnd(reactionTo(end.code) !== 'stop')
    this.changed()
  }

  // Waking up.

  private onWake(cause: WakeCause): void {
    if (cause === 'hidden' || cause === 'visible') this.link?.send({ t: 'vis', visible: cause === 'visible' })
    if (cause === 'pagehide') return this.rest()
    if (cause === 'hidden' || cause === 'freeze' || this.phase === 'stopped') return
    if (this.phase === 'waiting') this.connect()
    else this.check()
    if (this.ladder.kind !== 'websocket') this.wayBack.tryNow()
  }

  /** Whether a link that lived when the tab went to sleep ends as it wakes up; told once a waking. */
  private hasDiedAsleep({ aliveMs }: LinkEnd): boolean {
    const awakeMs = this.wokeAt === null ? Infinity : this.host.now() - this.wokeAt
    this.wokeAt = null
    return awakeMs < JUST_WOKEN_MS && (aliveMs ?? 0) > awakeMs
  }

  private check(): void {
    const { link } = this
    this.wokeAt = this.host.now()
    if (link && link.kind !== 'websocket' && (link.silentMs ?? 0) > ONE_WAY_SILENT_MS) return this.reopen()
    link?.check()
    this.wayBack.candidate?.check()
  }

  /** The browser keeps the page for the way back, which it does only without a connection. */
  private rest(): void {
    this.wayBack.drop()
    this.retry.clear()
    this.link?.close('the page was left and is kept for the way back')
    this.link = null
    this.connectedAt = null
    this.disconnectTopics()
    this.setPhase('waiting')
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

  private onHole(topic: string): void {
    if (this.phase === 'live') this.setPhase('catching_up')
    if (this.patience.mayRepairNow(topic)) this.askAgain([topic])
  }

  /** Asks anew for topics that have a hole, or that the server could not carry when it was asked before. */
  private askAgain(topics: string[]): void {
    const { link } = this
    const subs = this.subscriptions.requestsAgain(topics)
    if (!link || subs.length === 0) return
    const isSent = link.send({ t: 'unsub', topics: subs.map((sub) => sub.topic) }) && link.send({ t: 'sub', subs })
    if (!isSent) this.batch.set(BATCH_MS, () => this.reopen())
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
    if (phase !== 'waiting' || !this.retry.isSet) this.retryAt = null
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
      refusals: this.subscriptions.refusals,
      fallback: this.wayBack.fallback,
      closes: this.closes.records,
    }
  }
}
