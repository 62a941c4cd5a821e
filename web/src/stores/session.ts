import type { TopicUpdate } from '../connection'
import { TOPICS, type FactRecords, type FactTopic, type LatestRecords, type LatestTopic } from '../wire/generated'
import { FactStore } from './facts'
import type { FrameScheduler } from './frame'
import { LatestStore } from './latest'

type LatestStores = { [K in LatestTopic]: LatestStore<LatestRecords[K]> }
type FactStores = { [K in FactTopic]: FactStore<FactRecords[K]> }

export interface Store {
  apply(update: TopicUpdate): void
}

/** Everything the stream says about one trading session, a store per topic. */
export class SessionStores {
  readonly latest: LatestStores
  readonly facts: FactStores

  constructor(
    readonly sessionId: string,
    frames: FrameScheduler,
  ) {
    this.latest = Object.fromEntries(TOPICS.latest.map((name) => [name, new LatestStore(frames)])) as unknown as LatestStores
    this.facts = Object.fromEntries(TOPICS.fact.map((name) => [name, new FactStore(frames)])) as unknown as FactStores
  }

  topics(): [string, Store][] {
    const named = { ...this.latest, ...this.facts } as Record<string, Store>
    return Object.entries(named).map(([name, store]) => [`session/${this.sessionId}/${name}`, store])
  }
}
