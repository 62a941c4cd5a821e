/** Milliseconds to wait before attempt `n` (1 for the first retry): min(20 s, 0.5 s + random(0, 0.5 s · 2^n)). */
export function backoffMs(n: number, random: () => number): number {
  return Math.min(20_000, 500 + random() * 500 * 2 ** Math.min(n, 16))
}

/** Seconds between looks whether WebSocket works again while a fallback carries the stream. */
const WEBSOCKET_PROBES_S = [15, 30, 60, 120, 300]

export function websocketProbeMs(probesDone: number): number {
  return (WEBSOCKET_PROBES_S[probesDone] ?? 300) * 1000
}
