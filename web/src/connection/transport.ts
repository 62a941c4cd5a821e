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

/** Parses one message, or null when the text is not one. */
export function parseMessage(text: string): ServerMessage | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 't' in value) return value as ServerMessage
  } catch {
    return null
  }
  return null
}

/** Parses the answer to a poll: a list of messages, bare or under `messages`. */
export function parseMessages(text: string): ServerMessage[] {
  const value: unknown = JSON.parse(text)
  const list: unknown = Array.isArray(value) ? value : (value as { messages?: unknown }).messages
  return Array.isArray(list) ? (list as ServerMessage[]) : []
}
