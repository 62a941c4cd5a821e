import { backoffMs } from './backoff'
import { Alarm, type Host } from './host'

const CALM_MS = 10_000

interface Patience {
  tries: number
  askedAt: number
}

/** When to ask for a topic again: the first time at once, then ever later, until it was quiet for a while. */
export class TopicPatience {
  private readonly byTopic = new Map<string, Patience>()
  private readonly due = new Map<string, number>()
  private readonly alarm: Alarm

  constructor(
    private readonly host: Host,
    private readonly onDue: (topics: string[]) => void,
  ) {
    this.alarm = new Alarm(host)
  }

  /** A hole: the first repair is immediate, a second one soon after it waits. Answers whether to repair now. */
  mayRepairNow(topic: string): boolean {
    const known = this.byTopic.get(topic)
    const isCalm = !known || this.host.now() - known.askedAt > CALM_MS
    this.byTopic.set(topic, { tries: isCalm ? 0 : known.tries, askedAt: this.host.now() })
    if (!isCalm) this.later(topic)
    return isCalm
  }

  /** Asks for the topic again after a wait that grows with each try. */
  later(topic: string): void {
    const tries = (this.byTopic.get(topic)?.tries ?? 0) + 1
    const wait = backoffMs(tries, () => this.host.random())
    this.byTopic.set(topic, { tries, askedAt: this.host.now() + wait })
    this.due.set(topic, this.host.now() + wait)
    this.arm()
  }

  /** Nothing is due any more, as after a new `hello`; how often was tried is remembered. */
  clear(): void {
    this.due.clear()
    this.alarm.clear()
  }

  /** The topic is carried. */
  forget(topic: string): void {
    this.due.delete(topic)
  }

  private arm(): void {
    const next = Math.min(...this.due.values())
    if (Number.isFinite(next)) this.alarm.set(Math.max(0, next - this.host.now()), () => this.fire())
  }

  private fire(): void {
    const now = this.host.now()
    const topics = [...this.due].filter(([, at]) => at <= now).map(([topic]) => topic)
    for (const topic of topics) this.due.delete(topic)
    this.arm()
    if (topics.length > 0) this.onDue(topics)
  }
}
