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

/** Once a painted frame; a hidden tab paints nothing, so it gets a slow timer instead of growing a backlog. */
export function browserFrames(): FrameScheduler {
  return new FrameScheduler((run) => {
    if (document.visibilityState === 'hidden') window.setTimeout(run, 1000)
    else requestAnimationFrame(run)
  })
}
