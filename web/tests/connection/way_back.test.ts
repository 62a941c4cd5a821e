import { expect, it } from 'vitest'
import { snapshotOf, World } from './world'

const TOPIC = 'session/s/fills'

it('keeps one socket when every carrier fails while a look for WebSocket is under way', () => {
  const world = new World(TOPIC)
  world.host.chance = 0
  for (let i = 0; i < 6; i += 1) {
    world.socket.cut()
    world.host.advance(1_000)
  }
  let last = world.socket.accept()
  expect(last.kind).toBe('poll')
  for (let i = 0; i < 400 && world.socket.kind !== 'websocket'; i += 1) world.host.advance(100)
  const look = world.socket
  expect(look.kind).toBe('websocket')
  for (let i = 0; i < 4; i += 1) {
    last.cut(null)
    world.host.advance(1_000)
    last = world.socket
  }
  expect(look.isOver).toBe(true)
  world.socket.accept('c-next').say(...snapshotOf(TOPIC, 5))
  world.host.advance(1_000)
  expect(world.sockets.filter((one) => !one.isOver)).toEqual([world.socket])
  expect([world.status.phase, world.status.conn]).toEqual(['live', 'c-next'])
})
