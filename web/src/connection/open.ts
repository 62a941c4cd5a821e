import type { Host } from './host'
import { openPolling } from './poll'
import { openEventStream } from './sse'
import type { OpenTransport } from './transport'
import { openWebSocket } from './websocket'

/** Opens transports to this page's own server. */
export function openOnOrigin(origin: string, host: Host): OpenTransport {
  return (kind, hello, events) => {
    if (kind === 'websocket') return openWebSocket(`${origin.replace(/^http/, 'ws')}/api/stream`, hello, events)
    if (kind === 'sse') return openEventStream(`${origin}/api/stream/sse`, hello, events)
    return openPolling(`${origin}/api/stream/poll`, hello, events, host)
  }
}
