import type { TransportKind } from './transport'

/** One frame as it went over the wire. `text` is the string the browser made anyway; nothing of it is copied. */
export interface RawFrame {
  id: number
  /** Browser clock, milliseconds. */
  at: number
  direction: 'in' | 'out'
  transport: TransportKind
  text: string
}

export interface FrameCounts {
  framesIn: number
  framesOut: number
  /** Characters, which are bytes as long as the text is ASCII. */
  charsIn: number
  charsOut: number
}

const KEPT = 500
const KEPT_CHARS = 4_000_000

/** The newest frames of this tab, for whoever wants to look: at most 500, and at most 4 million characters. */
export class FrameLog {
  private readonly ring: (RawFrame | undefined)[] = new Array<undefined>(KEPT).fill(undefined)
  private next = 1
  private oldest = 1
  private chars = 0
  readonly counts: FrameCounts = { framesIn: 0, framesOut: 0, charsIn: 0, charsOut: 0 }

  constructor(private readonly wall: () => number) {}

  add(direction: RawFrame['direction'], transport: TransportKind, text: string): void {
    const { counts } = this
    if (direction === 'in') {
      counts.framesIn += 1
      counts.charsIn += text.length
    } else {
      counts.framesOut += 1
      counts.charsOut += text.length
    }
    if (this.next - this.oldest === KEPT) this.forgetOldest()
    this.ring[this.next % KEPT] = { id: this.next, at: this.wall(), direction, transport, text }
    this.next += 1
    this.chars += text.length
    while (this.chars > KEPT_CHARS && this.next - this.oldest > 1) this.forgetOldest()
  }

  /** Newest first. */
  newest(): RawFrame[] {
    const frames: RawFrame[] = []
    for (let id = this.next - 1; id >= this.oldest; id -= 1) {
      const frame = this.ring[id % KEPT]
      if (frame) frames.push(frame)
    }
    return frames
  }

  private forgetOldest(): void {
    this.chars -= this.ring[this.oldest % KEPT]?.text.length ?? 0
    this.ring[this.oldest % KEPT] = undefined
    this.oldest += 1
  }
}

/** One message inside a frame, in a few words. */
export interface FrameMessage {
  kind: string
  topic: string | null
  seq: number | null
}

/** What a frame holds, found only when somebody looks; a frame that is no message answers an empty list. */
export function messagesOf(text: string): FrameMessage[] {
  try {
    const value: unknown = JSON.parse(text)
    return (Array.isArray(value) ? value : [value]).flatMap((one: unknown) => (isRecord(one) ? [describe(one)] : []))
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && 't' in value
}

function describe(message: Record<string, unknown>): FrameMessage {
  return {
    kind: String(message.t),
    topic: typeof message.topic === 'string' ? message.topic : null,
    seq: typeof message.seq === 'number' ? message.seq : null,
  }
}
