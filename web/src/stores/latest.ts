import type { TopicUpdate } from '../connection'
import type { FrameScheduler } from './frame'

/** What a latest-value topic holds at a frame. `isLoaded` after the first snapshot; before it nothing is known. */
export interface LatestView<T> {
  isLoaded: boolean
  rows: readonly T[]
  byKey: ReadonlyMap<string, T>
}

/** The newest value of every key of one topic. Values are replaced whole, so an unchanged row keeps its identity. */
export class LatestStore<T> {
  private rows = new Map<string, T>()
  private view: LatestView<T> = { isLoaded: false, rows: [], byKey: new Map() }
  private readonly listeners = new Set<() => void>()

  constructor(private readonly frames: FrameScheduler) {}

  apply(update: TopicUpdate): void {
    if (update.kind === 'snapshot') {
      this.rows = new Map()
      for (const page of update.pages) this.merge(page)
    } else {
      this.merge(update.data)
    }
    this.frames.mark(this.flush)
  }

  readonly get = (): LatestView<T> => this.view

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private merge(data: unknown): void {
    for (const [key, value] of Object.entries(data as Record<string, T | null>)) {
      if (value === null) this.rows.delete(key)
      else this.rows.set(key, value)
    }
  }

  private readonly flush = (): void => {
    this.view = { isLoaded: true, rows: [...this.rows.values()], byKey: new Map(this.rows) }
    for (const listener of this.listeners) listener()
  }
}
