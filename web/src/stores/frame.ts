/** Collects everything that changed and paints it once a frame. */
export class FrameScheduler {
  private readonly dirty = new Set<() => void>()
  private isScheduled = false

  constructor(private readonly requestFrame: (run: () => void) => void) {}

  mark(flush: () => void): void {
    this.dirty.add(flush)
    if (this.isScheduled) return
    this.isScheduled = true
    this.requestFrame(() => this.flush())
  }

  flush(): void {
    this.isScheduled = false
    const flushes = [...this.dirty]
    this.dirty.clear()
    for (const flush of flushes) flush()
  }
}

const HIDDEN_MS = 1_000
const REST_AT_MOST_MS = 500

/**
 * Once a painted frame; a hidden tab paints nothing, so it gets a slow timer instead of growing a backlog. After a paint
 * the thread is left to the messages for as long as the paint took: a backlog is read before it is drawn.
 */
export function browserFrames(): FrameScheduler {
  let restUntil = 0
  let began = 0
  const painted = new MessageChannel()
  painted.port1.onmessage = () => {
    const now = performance.now()
    restUntil = now + Math.min(REST_AT_MOST_MS, now - began)
  }
  return new FrameScheduler((run) => {
    if (document.visibilityState === 'hidden') return void window.setTimeout(run, HIDDEN_MS)
    const paint = () =>
      requestAnimationFrame(() => {
        began = performance.now()
        run()
        // A message posted in a frame arrives after its layout and paint.
        painted.port2.postMessage(null)
      })
    const rest = restUntil - performance.now()
    if (rest > 1) window.setTimeout(paint, rest)
    else paint()
  })
}
