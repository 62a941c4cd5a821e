import { Alarm, LATE_MS, type Host } from './host'

const PROBE_GRACE_MS = 10_000
/** A transport that cannot be asked is silent by itself for as long as the server holds a poll. */
const ONE_WAY_GRACE_MS = 30_000
const PROBE_APART_MS = 1_000

export interface LivenessEvents {
  /** Sends a probe, which any frame answers; false where the transport cannot send. */
  sendProbe(): boolean
  /** Silent for `dead_s`, probed, and still silent. */
  onDead(silentMs: number): void
}

/**
 * Decides whether the other side still lives. Any frame is life. A hidden tab gives no verdict, and a timer that fired
 * late gives none either: it asks again.
 */
export class Liveness {
  private readonly silence: Alarm
  private readonly probe: Alarm
  private deadMs = 45_000
  private lastFrame = 0
  private lastFrameWall = 0
  private probedAt = 0
  private running = false

  constructor(
    private readonly host: Host,
    private readonly events: LivenessEvents,
  ) {
    this.silence = new Alarm(host)
    this.probe = new Alarm(host)
  }

  start(deadS: number): void {
    this.deadMs = deadS * 1000
    this.running = true
    this.onFrame()
    this.watch(this.deadMs)
  }

  stop(): void {
    this.running = false
    this.silence.clear()
    this.probe.clear()
  }

  onFrame(): void {
    this.lastFrame = this.host.now()
    this.lastFrameWall = this.host.wall()
    this.probe.clear()
  }

  /** Milliseconds without a frame. The monotonic clock stands still in a suspended machine, the wall clock does not. */
  silentMs(): number {
    return Math.max(this.host.now() - this.lastFrame, this.host.wall() - this.lastFrameWall)
  }

  /** Asks now; called when the tab or the machine wakes up. */
  check(): void {
    if (!this.running) return
    if (this.probe.isSet && this.host.now() - this.probedAt < PROBE_APART_MS) return
    this.probedAt = this.host.now()
    const grace = this.events.sendProbe() ? PROBE_GRACE_MS : ONE_WAY_GRACE_MS
    this.probe.set(grace, (late) => this.onProbeOver(late))
  }

  private watch(ms: number): void {
    this.silence.set(ms, () => this.onSilence())
  }

  private onSilence(): void {
    const left = this.deadMs - this.silentMs()
    if (left > 0) return this.watch(left)
    this.watch(this.deadMs)
    if (this.host.isVisible() && !this.probe.isSet) this.check()
  }

  private onProbeOver(lateMs: number): void {
    if (!this.host.isVisible()) return
    if (lateMs > LATE_MS || this.silentMs() < this.deadMs) return this.check()
    this.stop()
    this.events.onDead(this.silentMs())
  }
}
