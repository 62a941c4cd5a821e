interface Sample {
  offsetMs: number
  rttMs: number
}

const KEPT = 8

/** The server's clock as seen from here: the offset of the quickest of the last answers. */
export class ServerClock {
  private samples: Sample[] = []
  rttMs: number | null = null

  constructor(private readonly wall: () => number) {}

  /** A timestamp that just arrived one way; used until a round trip was measured. */
  onStamp(srvTsUs: number): void {
    if (this.samples.length === 0) this.push({ offsetMs: srvTsUs / 1000 - this.wall(), rttMs: Infinity })
  }

  onRoundTrip(srvTsUs: number, rttMs: number): void {
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
