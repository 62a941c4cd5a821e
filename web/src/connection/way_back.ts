import { websocketProbeMs } from './backoff'
import { Alarm, type Host } from './host'
import type { Link } from './link'
import type { Fallback } from './status'

const EARLY_PROBE_MS = 1_000

/** The way back to WebSocket while a fallback carries the stream: when to try, and the link being tried. */
export class WayBack {
  private readonly alarm: Alarm
  private nextAt: number | null = null
  private tried = 0
  private since: number | null = null
  private why = ''
  /** WebSocket lived here before, so that a fallback most likely bridges a restart: look for it early, once. */
  private isProven = false
  candidate: Link | null = null

  constructor(
    private readonly host: Host,
    private readonly open: () => Link,
  ) {
    this.alarm = new Alarm(host)
  }

  get fallback(): Fallback | null {
    return this.since === null ? null : { since: this.since, why: this.why, nextProbeAt: this.nextAt, probes: this.tried }
  }

  /** WebSocket carried the stream and ended; `isStable` after a life that forgets how often it was tried. */
  onWebSocketEnd(isStable: boolean): void {
    this.isProven = true
    if (isStable) this.tried = 0
  }

  /** A fallback takes over, because of how WebSocket ended. */
  begin(why: string): void {
    this.since ??= this.host.wall()
    this.why = why
    this.schedule()
  }

  /** A fallback was welcomed. */
  onFallbackWelcome(): void {
    if (!this.isProven) return
    this.isProven = false
    this.set(EARLY_PROBE_MS)
  }

  /** Plans the next look, unless one is planned or under way. */
  schedule(): void {
    if (this.since !== null && !this.alarm.isSet && !this.candidate) this.set(websocketProbeMs(this.tried))
  }

  /** Looks now. */
  tryNow(): void {
    this.clear()
    if (this.since === null || this.candidate) return
    this.tried += 1
    this.candidate = this.open()
  }

  /** Nothing carries the stream, and WebSocket is tried in its turn: the look under way is not needed. */
  giveUp(): void {
    this.drop()
    this.end()
  }

  /** WebSocket carries the stream again. */
  end(): void {
    this.clear()
    this.candidate = null
    this.since = null
  }

  /** The candidate ended before it could take over. */
  onCandidateEnd(mayTryAgain: boolean): void {
    this.candidate = null
    if (mayTryAgain) this.schedule()
  }

  /** Gives up a look under way. */
  drop(): void {
    this.clear()
    this.candidate?.close('not needed')
    this.candidate = null
  }

  private set(ms: number): void {
    this.nextAt = this.host.wall() + ms
    this.alarm.set(ms, () => this.tryNow())
  }

  private clear(): void {
    this.alarm.clear()
    this.nextAt = null
  }
}
