import { describe, expect, it } from 'vitest'
import { backoffMs, websocketProbeMs } from '../../src/connection/backoff'
import { publication, snapshotOf, World } from './world'

const TOPIC = 'session/s/fills'

function failThreeTimes(world: World): void {
  world.host.chance = 0
  for (let i = 0; i < 3; i += 1) {
    world.socket.cut()
    world.host.advance(1_000)
  }
}

describe('the way down and back', () => {
  it('takes Server-Sent Events after three failures in a row, and says so', () => {
    const world = new World(TOPIC)
    failThreeTimes(world)
    expect(world.sockets.map((socket) => socket.kind)).toEqual(['websocket', 'websocket', 'websocket', 'sse'])
    world.socket.accept()
    expect(world.status).toMatchObject({ transport: 'sse', phase: 'catching_up' })
  })

  it('takes polling when the event stream fails three times as well', () => {
    const world = new World(TOPIC)
    failThreeTimes(world)
    for (let i = 0; i < 3; i += 1) {
      world.sockets.filter((socket) => socket.kind === 'sse').at(-1)?.cut(null)
      world.host.advance(1_000)
    }
    expect(world.status.transport).toBe('poll')
  })

  it('counts silence instead of a welcome within 10 s as a failure', () => {
    const world = new World(TOPIC)
    const first = world.socket
    world.host.advance(10_000)
    expect(first.closed?.code).toBe(4901)
    expect(world.status.closes[0]).toMatchObject({ by: 'client', isFailure: true, reason: 'no welcome within 10 s' })
  })

  it('counts death before 10 s of life as a failure, and a longer life clears the count', () => {
    const world = new World(TOPIC)
    for (const life of [9_000, 9_000, 11_000, 9_000, 9_000]) {
      world.socket.accept()
      world.host.advance(life)
      world.socket.cut()
      world.host.wake('online')
    }
    expect(world.socket.kind).toBe('websocket')
    world.socket.accept()
    world.host.advance(9_000)
    world.socket.cut()
    world.host.wake('online')
    expect(world.sockets.filter((socket) => socket.kind === 'sse')).toHaveLength(1)
  })

  it('looks for WebSocket after 15, 30, 60, 120 and then every 300 s, and returns without losing its place', () => {
    expect([0, 1, 2, 3, 4, 5].map(websocketProbeMs)).toEqual([15_000, 30_000, 60_000, 120_000, 300_000, 300_000])
    const world = new World(TOPIC)
    failThreeTimes(world)
    const sse = world.socket.accept()
    sse.say(...snapshotOf(TOPIC, 5), publication(TOPIC, 6, 5))
    world.host.advance(15_000)
    const candidate = world.socket
    expect(candidate.kind).toBe('websocket')
    sse.say(publication(TOPIC, 7, 6))
    candidate.accept('c-2')
    expect(candidate.hello.subs).toEqual([{ topic: TOPIC, epoch: 'e1', seq: 7 }])
    expect(sse.closed?.reason).toBe('WebSocket works again')
    candidate.say({ t: 'sub', topic: TOPIC, epoch: 'e1', resumed: true, from: 7, to: 8 }, publication(TOPIC, 8, 7))
    expect(world.seqs(TOPIC)).toEqual([6, 7, 8])
    expect(world.status).toMatchObject({ transport: 'websocket', phase: 'live' })
  })

  it('keeps the fallback while the look fails, and goes back at once when the new socket is cut young', () => {
    const world = new World(TOPIC)
    failThreeTimes(world)
    const sse = world.socket.accept()
    world.host.advance(15_000)
    world.socket.cut()
    expect(sse.closed).toBeNull()
    expect(world.status.transport).toBe('sse')
    sse.say({ t: 'hb', srv_ts: 0, lag_ms: 0, heads: {} })
    world.host.advance(30_000)
    const candidate = world.socket
    expect(candidate.kind).toBe('websocket')
    candidate.accept()
    world.host.advance(2_000)
    candidate.cut()
    world.host.advance(1_000)
    expect(world.sockets.filter((socket) => !socket.isOver).map((socket) => socket.kind)).toContain('sse')
  })

  it('starts again at WebSocket when nothing answers at all, ever more patiently', () => {
    const world = new World(TOPIC)
    world.host.chance = 0
    for (let i = 0; i < 12; i += 1) {
      world.socket.cut(null)
      world.host.advance((world.status.retryAt ?? 0) - world.host.wall())
    }
    expect(world.sockets.slice(0, 10).map((socket) => socket.kind)).toEqual([
      ...['websocket', 'websocket', 'websocket', 'sse', 'sse', 'sse', 'poll', 'poll', 'poll', 'websocket'],
    ])
    world.host.chance = 0.999
    world.socket.cut(null)
    expect((world.status.retryAt ?? 0) - world.host.wall()).toBe(20_000)
  })

  it('looks for WebSocket early where it worked before, because a restart is likelier than a wall', () => {
    const world = new World(TOPIC)
    world.socket.accept()
    world.beat(60_000)
    world.host.chance = 0
    world.socket.cut()
    world.host.advance(500)
    failThreeTimes(world)
    expect(world.socket.kind).toBe('sse')
    world.socket.accept()
    world.host.advance(1_000)
    expect(world.socket.kind).toBe('websocket')
  })

  it('looks for WebSocket at once when the network or the tab comes back', () => {
    const world = new World(TOPIC)
    failThreeTimes(world)
    world.socket.accept()
    world.host.wake('online')
    expect(world.socket.kind).toBe('websocket')
  })
})

describe('backoff', () => {
  it('is min(20 s, 0.5 s + random(0, 0.5 s · 2^n))', () => {
    expect([1, 2, 3, 10].map((n) => backoffMs(n, () => 1))).toEqual([1_000, 1_500, 2_500, 20_000])
    expect(backoffMs(5, () => 0)).toBe(500)
  })

  it('counts from the beginning of an attempt: one that hung for 10 s was patience enough', () => {
    const world = new World(TOPIC)
    world.host.chance = 0
    world.host.advance(10_000)
    expect(world.sockets[0]?.closed?.code).toBe(4901)
    world.host.advance(0)
    expect(world.sockets).toHaveLength(2)
    world.socket.cut()
    expect((world.status.retryAt ?? 0) - world.host.wall()).toBe(500)
  })

  it('starts anew only after 30 s of stable life', () => {
    const world = new World(TOPIC)
    const waitAfter = (life: number) => {
      world.socket.accept()
      world.host.advance(life)
      world.socket.cut()
      const wait = (world.status.retryAt ?? 0) - world.host.wall()
      world.host.advance(wait)
      return wait
    }
    expect([12_000, 12_000, 31_000].map(waitAfter)).toEqual([750, 1_000, 750])
  })

  it('comes back at once after a planned rotation, later when the server says so, never after a refusal', () => {
    const world = new World(TOPIC)
    world.socket.accept()
    world.host.advance(1_000)
    world.socket.say({ t: 'bye', code: 4202, reason: 'rotation', retry_ms: 0 })
    world.socket.cut(4202)
    world.host.advance(250)
    expect(world.sockets).toHaveLength(2)
    world.socket.accept()
    world.socket.say({ t: 'bye', code: 4104, reason: 'memory is short', retry_ms: 7_000 })
    world.socket.cut(4104)
    expect(world.status.closes[0]).toMatchObject({ by: 'server', code: 4104, reason: 'memory is short' })
    world.host.advance(6_999)
    expect(world.sockets).toHaveLength(2)
    world.host.advance(1)
    world.socket.cut(4004, 'reload the page')
    world.host.advance(600_000)
    expect(world.sockets).toHaveLength(3)
    expect(world.status).toMatchObject({ phase: 'stopped', reason: 'reload the page' })
  })
})
