import type { Hello } from '../wire/generated'
import { parseMessages, type Transport, type TransportEvents } from './transport'

/** Server-Sent Events: the same messages, one way. A change of subscriptions needs a new one. */
export function openEventStream(url: string, hello: () => Hello, events: TransportEvents): Transport {
  const text = JSON.stringify(hello())
  events.onRaw('out', text)
  const source = new EventSource(`${url}?hello=${encodeURIComponent(text)}`)
  source.onmessage = (event: MessageEvent<string>) => {
    events.onRaw('in', event.data)
    for (const message of parseMessages(event.data)) events.onMessage(message)
  }
  source.onerror = () => {
    // The browser would retry by itself, with the cursors of the first hello: not what we want.
    source.onmessage = null
    source.onerror = null
    source.close()
    events.onEnd({ code: null, reason: 'the event stream ended' })
  }
  return {
    kind: 'sse',
    send: () => false,
    close: () => {
      source.onmessage = null
      source.onerror = null
      source.close()
    },
  }
}
