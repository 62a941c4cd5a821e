interface Sample {
  offsetMs: number
  rttMs: number
}

const KEPT = 8
const PINGS_KEPT = 16

/** The server's clock as seen from here: the offset of the quickest of the last answers. */
export class ServerClock {
  private samples: Sample[] = []
  private readonly pings = new Map<number, number>()
  private nextPing = 1
  rttMs: number | null = null

  constructor(private readonly wall: () => number) {}

  /** A timestamp that just arrived one way; used until a round trip was measured. */
  onStamp(srvTsUs: number): void {
    if (this.samples.length === 0) this.push({ offsetMs: srvTsUs / 1000 - this.wall(), rttMs: Infinity })
  }

  /** Names the next ping, before it is sent. */
  get nextId(): number {
    return this.nextPing
  }

  onPing(nowMs: number): void {
    const id = this.nextPing
    this.nextPing += 1
    this.pings.set(id, nowMs)
    this.pings.delete(id - PINGS_KEPT)
  }

  onPong(id: number, srvTsUs: number, nowMs: number): void {
    const sent = this.pings.get(id)
    if (sent === undefined) return
    this.pings.delete(id)
    this.onRoundTrip(srvTsUs, nowMs - sent)
  }

  /** Answers that did not come will not come any more. */
  onDisconnected(): void {
    this.pings.clear()
  }

  private onRoundTrip(srvTsUs: number, rttMs: number): void {
    this.rttMs = rttMs
    this.push({ offsetMs: srvTsUs / 1000 + rttMs / 2 - this.wall(), rttMs })
  }

  /** Add to this machine's clock to get the server's, milliseconds. */
  get offsetMs(): number {
    let best: Sample | undefined
    for (const sample of this.samples) if (!best || sample.rttMs < best.rttMs) best = sample
    return best?.offsetMs ?? 0
  }

  private push(sample: Sample): void {
    this.samples = [...this.samples.filter((one) => one.rttMs !== Infinity), sample].slice(-KEPT)
  }
}
