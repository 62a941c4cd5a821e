import type { Hello } from '../wire/generated'
import { Alarm, LATE_MS, type Host } from './host'
import { parseMessages, type Transport, type TransportEnd, type TransportEvents } from './transport'

/** The server holds a poll for 25 s; one that takes longer than this is lost. */
const HELD_AT_MOST_MS = 40_000
/** From the start of a poll to the start of the next at least: a busy desk answers at once. */
const PAUSE_MS = 200

/** Long polling: every poll carries the newest cursors and is answered by everything since. */
export function openPolling(url: string, hello: () => Hello, events: TransportEvents, host: Host): Transport {
  const abort = new AbortController()
  void pollUntilAborted(url, hello, events, host, abort.signal)
  return { kind: 'poll', send: () => false, close: () => abort.abort() }
}

async function pollUntilAborted(url: string, hello: () => Hello, events: TransportEvents, host: Host, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const next = host.now() + PAUSE_MS
    const end = await pollOnce(url, hello(), events, host, signal)
    if (signal.aborted) return
    if (end !== null) return events.onEnd(end)
    const wait = next - host.now()
    if (wait > 0) await new Promise<void>((resume) => host.setTimeout(resume, wait))
  }
}

async function pollOnce(url: string, hello: Hello, events: TransportEvents, host: Host, signal: AbortSignal): Promise<TransportEnd | null> {
  const limit = heldAtMost(host)
  try {
    const body = JSON.stringify(hello)
    events.onRaw('out', body)
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.any([signal, limit.signal]) })
    if (!answer.ok) return { code: null, reason: `the poll was answered ${answer.status}`, retryMs: retryAfterMs(answer) }
    const text = await answer.text()
    if (signal.aborted) return null
    events.onRaw('in', text)
    for (const message of parseMessages(text)) events.onMessage(message)
    return null
  } catch (error) {
    return { code: null, reason: `the poll failed: ${error instanceof Error ? error.message : String(error)}` }
  } finally {
    limit.end()
  }
}

function retryAfterMs(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get('retry-after') ?? NaN)
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}

/** Aborts a poll that is held too long; a timer that fires late, or in a hidden tab, waits once more instead. */
export function heldAtMost(host: Host): { signal: AbortSignal; end: () => void } {
  const abort = new AbortController()
  const alarm = new Alarm(host)
  const arm = () =>
    alarm.set(HELD_AT_MOST_MS, (lateMs) => {
      if (lateMs > LATE_MS || !host.isVisible()) arm()
      else abort.abort(new Error(`no answer within ${HELD_AT_MOST_MS / 1000} s`))
    })
  arm()
  return { signal: abort.signal, end: () => alarm.clear() }
}
