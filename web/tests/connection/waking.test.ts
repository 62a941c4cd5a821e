import { describe, expect, it } from 'vitest'
import { heldAtMost } from '../../src/connection/poll'
import { FakeHost, heartbeat, snapshotOf, World } from './world'

const TOPIC = 'session/s/fills'

function live(): World {
  const world = new World(TOPIC)
  world.socket.accept()
  world.socket.say(...snapshotOf(TOPIC, 0))
  return world
}

function onEventStream(): World {
  const world = new World(TOPIC)
  world.host.chance = 0
  for (let i = 0; i < 3; i += 1) {
    world.socket.cut()
    world.host.advance(1_000)
  }
  world.socket.accept()
  return world
}

describe('a machine or a thread that stood still', () => {
  it('is noticed by a look that comes late, and probes', () => {
    const world = live()
    const pings = world.socket.of('ping').length
    world.host.sleep(15_000)
    expect(world.socket.of('ping')).toHaveLength(pings + 1)
    world.socket.say(heartbeat())
    world.host.advance(30_000)
    expect(world.sockets).toHaveLength(1)
  })

  it('is noticed by the wall clock where the monotonic one stood still too', () => {
    const world = live()
    const pings = world.socket.of('ping').length
    world.host.suspend(3_600_000)
    world.host.advance(5_000)
    expect(world.socket.of('ping')).toHaveLength(pings + 1)
    expect(world.sockets).toHaveLength(1)
    const slept = world.socket
    world.host.advance(10_000)
    expect(slept.closed?.code).toBe(4900)
  })

  it('does not call on a tab that is hidden, whose timers are late by design', () => {
    const world = live()
    world.host.wake('hidden')
    const pings = world.socket.of('ping').length
    for (let minute = 0; minute < 30; minute += 1) world.host.sleep(60_000)
    expect(world.socket.of('ping')).toHaveLength(pings)
    expect(world.sockets).toHaveLength(1)
  })

  it.each([10_500, 15_000, 120_000])('gives a welcome its full time again after %i ms of standing still', (ms) => {
    const world = new World(TOPIC)
    world.host.sleep(ms + 2_000)
    expect(world.socket.closed).toBeNull()
    world.socket.accept()
    expect(world.status.phase).toBe('catching_up')
    expect(world.sockets).toHaveLength(1)
  })
})

describe('a frozen page', () => {
  it('gives no verdict when it goes on, and probes at once', () => {
    const world = live()
    world.host.wake('freeze')
    world.host.sleep(600_000)
    const pings = world.socket.of('ping').length
    world.host.advance(1_500)
    world.host.wake('resume')
    expect(world.socket.of('ping')).toHaveLength(pings + 1)
    world.socket.say(heartbeat())
    world.host.advance(30_000)
    expect(world.sockets).toHaveLength(1)
    expect(world.status.reconnects).toBe(0)
  })
})

describe('a socket that the browser closed while the page was frozen', () => {
  it('is replaced at once, which is no failure, but only once a waking', () => {
    const world = live()
    world.host.chance = 0
    world.host.wake('freeze')
    world.host.sleep(8_000)
    world.host.wake('resume')
    world.socket.cut()
    world.host.advance(0)
    expect(world.sockets).toHaveLength(2)
    world.socket.cut()
    world.host.advance(499)
    expect(world.sockets).toHaveLength(2)
  })
})

describe('a socket that fails in the moment a page is loaded', () => {
  it('is a failure, though the page was just shown', () => {
    const world = new World(TOPIC)
    world.host.chance = 0
    world.host.wake('pageshow')
    world.socket.cut()
    world.host.advance(499)
    expect(world.sockets).toHaveLength(1)
    expect(world.status.closes[0]).toMatchObject({ isFailure: true })
  })
})

describe('a hidden tab', () => {
  it('gives no verdict on a welcome either; shown again, what is on its way gets 2 s', () => {
    const world = new World(TOPIC)
    world.host.wake('hidden')
    world.host.advance(120_000)
    expect(world.sockets).toHaveLength(1)
    expect(world.socket.closed).toBeNull()
    world.host.wake('visible')
    world.host.advance(1_999)
    expect(world.socket.closed).toBeNull()
    const first = world.socket
    world.host.advance(1)
    expect(first.closed?.code).toBe(4901)
  })
})

describe('a page kept for the way back', () => {
  it('lets its connection go, does not try in the meantime, and connects at once when it is shown', () => {
    const world = live()
    world.host.wake('pagehide')
    expect(world.socket.closed).toEqual({ code: 1000, reason: 'the page was left and is kept for the way back' })
    expect(world.status).toMatchObject({ phase: 'waiting', retryAt: null })
    world.host.advance(600_000)
    expect(world.sockets).toHaveLength(1)
    world.host.wake('pageshow')
    expect(world.sockets).toHaveLength(2)
    world.socket.accept('c-2')
    expect(world.socket.hello.subs).toEqual([{ topic: TOPIC, epoch: 'e1', seq: 0 }])
  })
})

describe('a transport that cannot be probed', () => {
  it('is opened anew when the tab wakes up after a long silence, which is not a reconnect', () => {
    const world = onEventStream()
    world.host.wake('hidden')
    world.host.advance(40_000)
    const before = world.sockets.filter((socket) => socket.kind === 'sse').length
    world.host.wake('resume')
    expect(world.sockets.filter((socket) => socket.kind === 'sse')).toHaveLength(before + 1)
    world.sockets.filter((socket) => socket.kind === 'sse').at(-1)?.accept()
    expect(world.status).toMatchObject({ transport: 'sse', reconnects: 0 })
  })

  it('is left alone when it was heard a moment ago', () => {
    const world = onEventStream()
    const sse = world.socket
    world.host.advance(9_000)
    world.host.wake('visible')
    world.host.advance(5_000)
    sse.say(heartbeat())
    expect(sse.closed).toBeNull()
  })
})

describe('a held poll', () => {
  it('is lost after 40 s, but not by a timer that fires late nor in a hidden tab', () => {
    const host = new FakeHost()
    const late = heldAtMost(host)
    host.sleep(60_000)
    expect(late.signal.aborted).toBe(false)
    host.advance(40_000)
    expect(late.signal.aborted).toBe(true)
    const hidden = heldAtMost(host)
    host.visible = false
    host.advance(120_000)
    expect(hidden.signal.aborted).toBe(false)
    hidden.end()
  })
})
