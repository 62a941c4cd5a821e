import type { Host, WakeCause } from '../../src/connection'
import type { ClientMessage, Hello, ServerMessage } from '../../src/wire/generated'
import { Connection, type OpenTransport, type TopicUpdate, type TransportEvents, type TransportKind } from '../../src/connection'

interface Timer {
  id: number
  due: number
  run: () => void
}

/** A browser whose time moves only when told, and whose timers can be made to fire late. */
export class FakeHost implements Host {
  private time = 0
  private timers: Timer[] = []
  private next = 1
  /** How long the machine was off: the wall clock counts it, the monotonic one does not. */
  private suspended = 0
  private wakeListeners = new Set<(cause: WakeCause) => void>()
  visible = true
  chance = 0.5

  now = () => this.time
  wall = () => 1_700_000_000_000 + this.time + this.suspended
  random = () => this.chance
  isVisible = () => this.visible

  setTimeout(run: () => void, ms: number): number {
    const id = this.next++
    this.timers.push({ id, due: this.time + ms, run })
    return id
  }

  clearTimeout(id: number): void {
    this.timers = this.timers.filter((timer) => timer.id !== id)
  }

  onWake(listener: (cause: WakeCause) => void): () => void {
    this.wakeListeners.add(listener)
    return () => this.wakeListeners.delete(listener)
  }

  wake(cause: WakeCause): void {
    this.visible = cause === 'hidden' ? false : cause === 'visible' ? true : this.visible
    for (const listener of this.wakeListeners) listener(cause)
  }

  /** Lets `ms` pass; every timer fires exactly when it is due. */
  advance(ms: number): void {
    const end = this.time + ms
    for (;;) {
      const timer = this.earliest(end)
      if (!timer) break
      this.time = Math.max(this.time, timer.due)
      this.fire(timer)
    }
    this.time = end
  }

  /** The machine sleeps: time passes, no timer fires; then all that are due fire at once. */
  sleep(ms: number): void {
    this.time += ms
    for (const timer of this.timers.filter((one) => one.due <= this.time)) this.fire(timer)
  }

  /** The machine is suspended: the monotonic clock and every timer stand still. */
  suspend(ms: number): void {
    this.suspended += ms
  }

  private earliest(end: number): Timer | undefined {
    return this.timers.filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due || a.id - b.id)[0]
  }

  private fire(timer: Timer): void {
    if (!this.timers.includes(timer)) return
    this.clearTimeout(timer.id)
    timer.run()
  }
}

/** One opened transport, seen from the server's side. */
export class FakeSocket {
  sent: ClientMessage[] = []
  closed: { code: number; reason: string } | null = null
  isOver = false

  constructor(
    readonly kind: TransportKind,
    private readonly makeHello: () => Hello,
    private readonly events: TransportEvents,
  ) {}

  get hello(): Hello {
    const hello = this.sent.find((message) => message.t === 'hello')
    if (!hello) throw new Error('no hello was sent')
    return hello
  }

  accept(conn = 'c-1'): this {
    this.sent.push(this.makeHello())
    this.say({ t: 'welcome', conn, hb_s: 10, dead_s: 45, srv_ts: 1_700_000_000_000_000, version: '1' })
    return this
  }

  /** The next poll's hello. */
  askAgain(): Hello {
    return this.makeHello()
  }

  say(...messages: ServerMessage[]): void {
    for (const message of messages) {
      if (this.isOver) return
      this.events.onRaw('in', JSON.stringify(message))
      this.events.onMessage(message)
    }
  }

  cut(code: number | null = 1006, reason = ''): void {
    if (this.isOver) return
    this.isOver = true
    this.events.onEnd({ code, reason })
  }

  send(message: ClientMessage): boolean {
    if (this.kind !== 'websocket' || this.isOver) return false
    this.sent.push(message)
    return true
  }

  of<T extends ClientMessage['t']>(tag: T): Extract<ClientMessage, { t: T }>[] {
    return this.sent.filter((message): message is Extract<ClientMessage, { t: T }> => message.t === tag)
  }
}

/** A connection in a fake world, with everything it opened and delivered. */
export class World {
  readonly host = new FakeHost()
  readonly sockets: FakeSocket[] = []
  readonly delivered: [string, TopicUpdate][] = []
  readonly connection: Connection

  constructor(...topics: string[]) {
    const open: OpenTransport = (kind, hello, events) => {
      const socket = new FakeSocket(kind, hello, events)
      this.sockets.push(socket)
      return {
        kind,
        send: (message) => socket.send(message),
        close: (code, reason) => {
          socket.closed = { code, reason }
          socket.isOver = true
        },
      }
    }
    this.connection = new Connection({
      host: this.host,
      open,
      tab: 'tab-1',
      deliver: (topic, update) => this.delivered.push([topic, update]),
    })
    for (const topic of topics) this.connection.subscribe(topic)
    this.connection.start()
  }

  get socket(): FakeSocket {
    const last = this.sockets.at(-1)
    if (!last) throw new Error('nothing was opened')
    return last
  }

  get status() {
    return this.connection.status()
  }

  /** The seqs of the publications delivered on a topic. */
  seqs(topic: string): number[] {
    return this.delivered.flatMap(([name, update]) => (name === topic && update.kind === 'publication' ? [update.seq] : []))
  }

  /** Keeps the connection alive for `ms` with a heartbeat every 10 s. */
  beat(ms: number, heads: Record<string, number> = {}): void {
    for (let passed = 0; passed < ms; passed += 10_000) {
      this.host.advance(Math.min(10_000, ms - passed))
      this.socket.say(heartbeat(heads))
    }
  }
}

export function heartbeat(heads: Record<string, number> = {}): ServerMessage {
  return { t: 'hb', srv_ts: 1_700_000_000_000_000, lag_ms: 1, heads }
}

export function snapshotOf(topic: string, seq: number, epoch = 'e1'): ServerMessage[] {
  return [
    { t: 'sub', topic, epoch, resumed: false, from: 0, to: seq },
    { t: 'snap', topic, epoch, seq, page: 1, of: 1, data: [] },
  ]
}

export function publication(topic: string, seq: number, prev: number | null, epoch = 'e1'): ServerMessage {
  return { t: 'pub', topic, epoch, seq, ts: 0, data: { seq }, prev }
}
