/** What the connection needs from the world: time, chance, and word of the tab waking up. */
export type WakeCause = 'visible' | 'hidden' | 'online' | 'pageshow'

export interface Host {
  /** Milliseconds that only ever grow. */
  now(): number
  /** Milliseconds since the epoch by this machine's clock. */
  wall(): number
  setTimeout(run: () => void, ms: number): number
  clearTimeout(id: number): void
  /** A number in [0, 1). */
  random(): number
  isVisible(): boolean
  onWake(listener: (cause: WakeCause) => void): () => void
}

/** A timer that knows how late it fired: throttled tabs and sleeping laptops fire theirs far too late. */
export class Alarm {
  private id: number | null = null

  constructor(private readonly host: Host) {}

  get isSet(): boolean {
    return this.id !== null
  }

  set(ms: number, run: (lateMs: number) => void): void {
    this.clear()
    const due = this.host.now() + ms
    this.id = this.host.setTimeout(() => {
      this.id = null
      run(Math.max(0, this.host.now() - due))
    }, ms)
  }

  clear(): void {
    if (this.id !== null) this.host.clearTimeout(this.id)
    this.id = null
  }
}

/** The real browser. */
export function browserHost(): Host {
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimeout: (run, ms) => window.setTimeout(run, ms),
    clearTimeout: (id) => window.clearTimeout(id),
    random: () => Math.random(),
    isVisible: () => document.visibilityState !== 'hidden',
    onWake: listenForWaking,
  }
}

function listenForWaking(listener: (cause: WakeCause) => void): () => void {
  const onVisibility = () => listener(document.visibilityState === 'hidden' ? 'hidden' : 'visible')
  const onOnline = () => listener('online')
  const onPageShow = () => listener('pageshow')
  document.addEventListener('visibilitychange', onVisibility)
  window.addEventListener('online', onOnline)
  window.addEventListener('pageshow', onPageShow)
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    window.removeEventListener('online', onOnline)
    window.removeEventListener('pageshow', onPageShow)
  }
}
