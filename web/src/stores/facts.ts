import type { TopicUpdate } from '../connection'
import type { FrameScheduler } from './frame'

/** What a fact topic holds at a frame, newest first. */
export interface FactsView<T> {
  isLoaded: boolean
  items: readonly T[]
}

const KEPT = 2_000

/** The facts of one topic in the order of the tape. A newer snapshot never empties what is known of the same epoch. */
export class FactStore<T extends { seq: number }> {
  private items: T[] = []
  private epoch: string | null = null
  private view: FactsView<T> = { isLoaded: false, items: [] }
  private readonly listeners = new Set<() => void>()

  constructor(private readonly frames: FrameScheduler) {}

  apply(update: TopicUpdate): void {
    if (update.kind === 'snapshot') this.onSnapshot(update.epoch, update.pages.flat() as T[])
    else this.append(update.data as T)
    if (this.items.length > KEPT * 1.25) this.items = this.items.slice(-KEPT)
    this.frames.mark(this.flush)
  }

  readonly get = (): FactsView<T> => this.view

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private onSnapshot(epoch: string, facts: T[]): void {
    const oldest = facts[0]?.seq ?? Infinity
    const older = epoch === this.epoch ? this.items.filter((fact) => fact.seq < oldest) : []
    this.items = [...older, ...facts]
    this.epoch = epoch
  }

  private append(fact: T): void {
    const last = this.items.at(-1)
    if (!last || fact.seq > last.seq) this.items.push(fact)
  }

  private readonly flush = (): void => {
    this.view = { isLoaded: true, items: [...this.items].reverse() }
    for (const listener of this.listeners) listener()
  }
}
