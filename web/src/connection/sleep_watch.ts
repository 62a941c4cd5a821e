import { Alarm, LATE_MS, type Host } from './host'

const LOOK_MS = 5_000

/**
 * Notices that this machine or this page's thread stood still: a look that comes late, or a wall clock that went on
 * while the monotonic one did not (it stops in a suspended machine). A hidden tab's timers are late by design.
 */
export class SleepWatch {
  private readonly look: Alarm
  private lastNow = 0
  private lastWall = 0

  constructor(
    private readonly host: Host,
    private readonly onSlept: (ms: number) => void,
  ) {
    this.look = new Alarm(host)
  }

  start(): void {
    this.lastNow = this.host.now()
    this.lastWall = this.host.wall()
    this.look.set(LOOK_MS, () => this.onLook())
  }

  stop(): void {
    this.look.clear()
  }

  private onLook(): void {
    const passed = Math.max(this.host.now() - this.lastNow, this.host.wall() - this.lastWall)
    this.start()
    if (this.host.isVisible() && passed > LOOK_MS + LATE_MS) this.onSlept(passed - LOOK_MS)
  }
}
