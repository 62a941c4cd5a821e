import type { Hello } from '../wire/generated'
import { parseMessages, type Transport, type TransportEvents } from './transport'

/** The server holds a poll for 25 s; one that takes longer than this is lost. */
const HELD_AT_MOST_MS = 40_000

/** Long polling: every poll carries the newest cursors and is answered by everything since. */
export function openPolling(url: string, hello: () => Hello, events: TransportEvents): Transport {
  const abort = new AbortController()
  void pollUntilAborted(url, hello, events, abort.signal)
  return { kind: 'poll', send: () => false, close: () => abort.abort() }
}

async function pollUntilAborted(url: string, hello: () => Hello, events: TransportEvents, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const end = await pollOnce(url, hello(), events, signal)
    if (signal.aborted || end === null) continue
    events.onEnd(end)
    return
  }
}

async function pollOnce(url: string, hello: Hello, events: TransportEvents, signal: AbortSignal) {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(hello),
      signal: AbortSignal.any([signal, AbortSignal.timeout(HELD_AT_MOST_MS)]),
    })
    if (!answer.ok) return { code: null, reason: `the poll was answered ${answer.status}` }
    const messages = parseMessages(await answer.text())
    if (!signal.aborted) for (const message of messages) events.onMessage(message)
    return null
  } catch (error) {
    return { code: null, reason: `the poll failed: ${error instanceof Error ? error.message : String(error)}` }
  }
}
