import { PROTOCOL, type ClientMessage, type Hello } from '../wire/generated'
import { parseMessages, type Transport, type TransportEvents } from './transport'

export function openWebSocket(url: string, hello: () => Hello, events: TransportEvents): Transport {
  const socket = new WebSocket(url, PROTOCOL)
  let ended = false
  const send = (message: ClientMessage): boolean => {
    if (socket.readyState !== WebSocket.OPEN) return false
    const text = JSON.stringify(message)
    events.onRaw('out', text)
    socket.send(text)
    return true
  }
  socket.onopen = () => send(hello())
  socket.onmessage = (event: MessageEvent<string>) => {
    if (ended) return
    events.onRaw('in', event.data)
    for (const message of parseMessages(event.data)) events.onMessage(message)
  }
  socket.onclose = (event) => {
    if (ended) return
    ended = true
    events.onEnd({ code: event.code, reason: event.reason || (event.code === 1006 ? 'the network cut the connection' : '') })
  }
  return {
    kind: 'websocket',
    send,
    close: (code, reason) => {
      ended = true
      socket.close(code, reason)
    },
  }
}
