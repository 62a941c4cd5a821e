/**
 * `pagehide`: the browser keeps the page for the way back, and wakes it with `pageshow`. `freeze` and `resume`: the
 * browser stopped the page and let it go on. `sleep`: the machine or the page's thread stood still and goes on now.
 */
export type WakeCause = 'visible' | 'hidden' | 'online' | 'pageshow' | 'pagehide' | 'freeze' | 'resume' | 'sleep'

/** A timer that fires later than this says nothing about the other side: it was this side that stood still. */
export const LATE_MS = 2_000

/** What the connection needs from the world: time, chance, and word of the tab waking up. */
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
  const ends = new AbortController()
  const { signal } = ends
  document.addEventListener('visibilitychange', () => listener(document.visibilityState === 'hidden' ? 'hidden' : 'visible'), { signal })
  document.addEventListener('freeze', () => listener('freeze'), { signal })
  document.addEventListener('resume', () => listener('resume'), { signal })
  window.addEventListener('online', () => listener('online'), { signal })
  // Every page is shown once as it loads, which is no waking.
  window.addEventListener('pageshow', (event) => event.persisted && listener('pageshow'), { signal })
  // A page that is not kept is gone in a moment, and the browser says goodbye for it.
  window.addEventListener('pagehide', (event) => event.persisted && listener('pagehide'), { signal })
  return () => ends.abort()
}
