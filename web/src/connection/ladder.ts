import { isFailure } from './closes'
import type { TransportKind } from './transport'

const FAILURES = 3
const NEXT: Record<TransportKind, TransportKind> = { websocket: 'sse', sse: 'poll', poll: 'websocket' }

/**
 * Which transport to try: three failures in a row step down, WebSocket → SSE → polling. A failure is no welcome, or
 * death before 10 s of life. When nothing works at all it starts again at WebSocket. Nothing of it is stored.
 */
export class Ladder {
  kind: TransportKind = 'websocket'
  private failures = 0
  private isProven = true
  private isExhausted = false

  /** A connection of `kind` ended after `aliveMs` of life; answers whether a transport not yet tried comes next. */
  onEnd(aliveMs: number | null): boolean {
    const hasFailed = isFailure(aliveMs)
    this.failures = hasFailed ? this.failures + 1 : 0
    if (!hasFailed) this.isExhausted = false
    const stays = !hasFailed || (this.failures < FAILURES && this.isProven)
    this.isProven = true
    if (stays) return false
    this.kind = NEXT[this.kind]
    this.failures = 0
    this.isExhausted ||= this.kind === 'websocket'
    return !this.isExhausted
  }

  /** WebSocket was welcomed beside a fallback; dying young it steps down at once. */
  onUpgrade(): void {
    this.kind = 'websocket'
    this.failures = 0
    this.isProven = false
  }
}
