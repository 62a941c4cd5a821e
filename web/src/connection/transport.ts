import type { ClientMessage, Hello, ServerMessage } from '../wire/generated'

export type TransportKind = 'websocket' | 'sse' | 'poll'

/** How a transport ended, as far as the browser was told. */
export interface TransportEnd {
  code: number | null
  reason: string
  /** The server said how long to stay away. */
  retryMs?: number
}

export interface TransportEvents {
  onMessage(message: ServerMessage): void
  /** A frame as it came or went, before anything is made of it. */
  onRaw(direction: 'in' | 'out', text: string): void
  /** Called once; nothing follows. */
  onEnd(end: TransportEnd): void
}

/** One attempt to carry messages. It never reconnects by itself. */
export interface Transport {
  readonly kind: TransportKind
  /** Sends, or answers false where this transport cannot send or is not open. */
  send(message: ClientMessage): boolean
  /** Ends it without a call to `onEnd`. */
  close(code: number, reason: string): void
}

/** `hello` is asked at the moment it is sent, so that its cursors are the newest. */
export type OpenTransport = (kind: TransportKind, hello: () => Hello, events: TransportEvents) => Transport

/** Parses a frame: one message, or several in a list; what is not a message is left out. */
export function parseMessages(text: string): ServerMessage[] {
  try {
    const value: unknown = JSON.parse(text)
    return (Array.isArray(value) ? value : [value]).filter(isMessage)
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

function isMessage(value: unknown): value is ServerMessage {
  return typeof value === 'object' && value !== null && 't' in value
}
