import { Connection, type Host, type OpenTransport, type TopicUpdate } from '../connection'
import type { SessionView, SystemView } from '../wire/generated'
import type { FrameScheduler } from './frame'
import { LatestStore } from './latest'
import { SessionStores, type Store } from './session'

export interface DeskOptions {
  host: Host
  open: OpenTransport
  tab: string
  frames: FrameScheduler
}

/** The desk as this tab knows it: one connection, and the stores its messages go to. */
export class Desk {
  readonly connection: Connection
  readonly sessions: LatestStore<SessionView>
  readonly system: LatestStore<SystemView>
  private readonly byTopic = new Map<string, Store>()
  private readonly bySession = new Map<string, SessionStores>()

  constructor(private readonly options: DeskOptions) {
    const { host, open, tab, frames } = options
    this.sessions = new LatestStore(frames)
    this.system = new LatestStore(frames)
    this.byTopic.set('desk/sessions', this.sessions)
    this.byTopic.set('desk/system', this.system)
    this.connection = new Connection({ host, open, tab, deliver: (topic, update) => this.deliver(topic, update) })
  }

  session(id: string): SessionStores {
    let stores = this.bySession.get(id)
    if (!stores) {
      stores = new SessionStores(id, this.options.frames)
      this.bySession.set(id, stores)
      for (const [topic, store] of stores.topics()) this.byTopic.set(topic, store)
    }
    return stores
  }

  /** Follows every topic of a session until the answer is called. */
  follow(id: string): () => void {
    const releases = this.session(id)
      .topics()
      .map(([topic]) => this.connection.subscribe(topic))
    return () => releases.forEach((release) => release())
  }

  /** Follows the list of sessions and the desk itself until the answer is called. */
  followDesk(): () => void {
    const releases = ['desk/sessions', 'desk/system'].map((topic) => this.connection.subscribe(topic))
    return () => releases.forEach((release) => release())
  }

  private deliver(topic: string, update: TopicUpdate): void {
    this.byTopic.get(topic)?.apply(update)
  }
}
