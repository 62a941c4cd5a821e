/**
 * Milliseconds to wait before an attempt, counted from 1: min(20 s, 0.5 s + random(0, 0.5 s · 2^n)), n from 0, so that a
 * desk that is back after two seconds has all its tabs back within five.
 */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.min(20_000, 500 + random() * 500 * 2 ** Math.min(attempt - 1, 16))
}

/** Seconds between looks whether WebSocket works again while a fallback carries the stream. */
const WEBSOCKET_PROBES_S = [15, 30, 60, 120, 300]

export function websocketProbeMs(probesDone: number): number {
  return (WEBSOCKET_PROBES_S[probesDone] ?? 300) * 1000
}

/** A life this long forgets the failures before it. */
export const STABLE_MS = 30_000
const AT_ONCE_MS = 250

/** How long to stay away after each close. */
export class Backoff {
  private attempts = 0

  constructor(private readonly random: () => number) {}

  /**
   * Milliseconds to stay away, counted from the attempt's beginning: one that hung for 10 s was patience enough. A planned
   * close and the first try of another transport need none.
   */
  waitAfter({ aliveMs, ageMs }: { aliveMs: number | null; ageMs: number }, isAtOnce: boolean): number {
    if ((aliveMs ?? 0) >= STABLE_MS) this.attempts = 0
    const jitter = this.random() * AT_ONCE_MS
    if (isAtOnce) return jitter
    this.attempts += 1
    const wait = backoffMs(this.attempts, this.random)
    return aliveMs === null ? Math.max(jitter, wait - ageMs) : wait
  }
}
