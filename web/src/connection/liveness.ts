import { Alarm, type Host } from './host'

const PROBE_GRACE_MS = 10_000
const LATE_MS = 2_000

export interface LivenessEvents {
  /** Sends a probe; any frame answers it. */
  sendProbe(): void
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
    this.lastFrame = this.host.now()
    this.watch(this.deadMs)
  }

  stop(): void {
    this.running = false
    this.silence.clear()
    this.probe.clear()
  }

  onFrame(): void {
    this.lastFrame = this.host.now()
    this.probe.clear()
  }

  silentMs(): number {
    return this.host.now() - this.lastFrame
  }

  /** Asks now; called when the tab or the machine wakes up. */
  check(): void {
    if (!this.running) return
    this.events.sendProbe()
    this.probe.set(PROBE_GRACE_MS, (late) => this.onProbeOver(late))
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
