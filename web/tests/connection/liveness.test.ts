import { describe, expect, it } from 'vitest'
import { heartbeat, snapshotOf, World } from './world'

const TOPIC = 'session/s/fills'

function live(): World {
  const world = new World(TOPIC)
  world.socket.accept()
  world.socket.say(...snapshotOf(TOPIC, 0))
  return world
}

describe('the verdict that a connection is dead', () => {
  it('comes after 45 s of silence and a probe that nobody answers for 10 s', () => {
    const world = live()
    world.host.advance(44_999)
    const pingsBefore = world.socket.of('ping').length
    world.host.advance(1)
    expect(world.socket.of('ping')).toHaveLength(pingsBefore + 1)
    world.host.advance(9_999)
    expect(world.status.phase).toBe('live')
    const first = world.socket
    world.host.advance(1)
    expect(first.closed).toEqual({ code: 4900, reason: 'silent for 55 s and no answer to a probe' })
    expect(world.status.phase).toBe('waiting')
    expect(world.status.closes[0]).toMatchObject({ by: 'client', code: 4900, silentMs: 55_000, transport: 'websocket' })
  })

  it('does not come when any frame arrives during the probe', () => {
    const world = live()
    world.host.advance(50_000)
    world.socket.say(heartbeat())
    world.host.advance(44_000)
    expect(world.status.phase).toBe('live')
    expect(world.sockets).toHaveLength(1)
  })

  it('does not come while heartbeats arrive', () => {
    const world = live()
    world.beat(3_600_000)
    expect(world.sockets).toHaveLength(1)
    expect(world.status.reconnects).toBe(0)
  })

  it('is void when the timer fired late: it probes again instead', () => {
    const world = live()
    world.host.sleep(60_000)
    expect(world.status.phase).toBe('live')
    const pings = world.socket.of('ping').length
    world.host.sleep(20_000)
    expect(world.socket.of('ping')).toHaveLength(pings + 1)
    expect(world.sockets).toHaveLength(1)
    world.socket.say(heartbeat())
    world.host.advance(30_000)
    expect(world.sockets).toHaveLength(1)
  })

  it('never comes while the tab is hidden', () => {
    const world = live()
    world.host.wake('hidden')
    world.host.advance(600_000)
    expect(world.status.phase).toBe('live')
    expect(world.sockets).toHaveLength(1)
  })

  it('comes 10 s after waking up beside a socket that died in the sleep', () => {
    const world = live()
    world.host.wake('hidden')
    world.host.sleep(300_000)
    world.host.wake('visible')
    const first = world.socket
    world.host.advance(10_000)
    expect(first.closed?.code).toBe(4900)
  })
})

describe('waking up', () => {
  it.each(['visible', 'online', 'pageshow'] as const)('probes a living connection on %s', (cause) => {
    const world = live()
    const pings = world.socket.of('ping').length
    world.host.wake(cause)
    expect(world.socket.of('ping')).toHaveLength(pings + 1)
  })

  it('tells the server whether the tab is visible', () => {
    const world = live()
    world.host.wake('hidden')
    world.host.wake('visible')
    expect(world.socket.of('vis').map((message) => message.visible)).toEqual([false, true])
  })

  it('connects at once when it was waiting for its next attempt', () => {
    const world = live()
    world.beat(60_000)
    world.socket.cut()
    expect(world.status.phase).toBe('waiting')
    world.host.wake('online')
    expect(world.sockets).toHaveLength(2)
    expect(world.status.phase).toBe('connecting')
  })
})
