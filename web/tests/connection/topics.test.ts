import { describe, expect, it } from 'vitest'
import { heartbeat, publication, snapshotOf, World } from './world'

const FILLS = 'session/s/fills'
const ORDERS = 'session/s/orders'

function refusal(topic: string, temporary: boolean): Parameters<World['socket']['say']>[0] {
  return { t: 'err', code: 'stream.topic', message: 'Not now.', temporary, topic }
}

function live(): World {
  const world = new World(FILLS, ORDERS)
  world.socket.accept()
  for (const topic of [FILLS, ORDERS]) world.socket.say(...snapshotOf(topic, 10))
  return world
}

function onPolling(): World {
  const world = new World(FILLS, ORDERS)
  world.host.chance = 0
  for (let i = 0; i < 6; i += 1) {
    world.sockets.filter((socket) => !socket.isOver).at(-1)?.cut(null)
    world.host.advance(1_000)
  }
  world.socket.accept()
  return world
}

describe('a topic the server cannot carry now', () => {
  it('is shown, and asked for again, ever later, until it comes', () => {
    const world = live()
    world.host.chance = 0
    world.connection.subscribe('session/new/fills')
    world.host.advance(20)
    for (const wait of [500, 500, 500]) {
      const asked = world.socket.of('sub').length
      world.socket.say(refusal('session/new/fills', true), heartbeat())
      expect(world.status).toMatchObject({ phase: 'catching_up', refusals: [{ topic: 'session/new/fills', message: 'Not now.', isTemporary: true }] })
      world.host.advance(wait - 1)
      expect(world.socket.of('sub')).toHaveLength(asked)
      world.host.advance(1)
      expect(world.socket.of('sub').at(-1)).toEqual({ t: 'sub', subs: [{ topic: 'session/new/fills' }] })
    }
    world.socket.say(...snapshotOf('session/new/fills', 0))
    expect(world.status).toMatchObject({ phase: 'live', refusals: [] })
  })

  it('waits longer with each refusal', () => {
    const world = live()
    world.host.chance = 0.999_999
    world.connection.subscribe('session/new/fills')
    world.host.advance(20)
    const waits: number[] = []
    for (let i = 0; i < 4; i += 1) {
      world.socket.say(refusal('session/new/fills', true))
      const asked = world.socket.of('sub').length
      let waited = 0
      while (world.socket.of('sub').length === asked) {
        world.host.advance(250)
        waited += 250
      }
      waits.push(waited)
    }
    expect(waits).toEqual([1_000, 1_500, 2_500, 4_500])
  })
})

describe('a topic the server refuses for good', () => {
  it('stays shown and is asked for again only on the next connection', () => {
    const world = live()
    world.socket.say(refusal(FILLS, false))
    expect(world.status.refusals).toEqual([{ topic: FILLS, message: 'Not now.', isTemporary: false }])
    world.beat(600_000)
    expect(world.socket.of('sub')).toEqual([])
    world.socket.cut()
    world.host.advance(6_000)
    world.socket.accept()
    expect(world.socket.hello.subs?.map((sub) => sub.topic)).toEqual([FILLS, ORDERS])
    world.socket.say(...snapshotOf(FILLS, 11))
    expect(world.status.refusals).toEqual([])
  })

  it('is left out of the next poll, so that refusals do not make polling spin', () => {
    const world = onPolling()
    expect(world.socket.kind).toBe('poll')
    world.socket.say(refusal(FILLS, false), refusal(ORDERS, true))
    expect(world.socket.askAgain().subs).toEqual([])
    world.host.advance(520)
    expect(world.socket.accept().hello.subs?.map((sub) => sub.topic)).toContain(ORDERS)
  })
})

describe('holes', () => {
  it('on two topics at once are repaired side by side', () => {
    const world = live()
    world.socket.say(publication(FILLS, 14, 13), publication(ORDERS, 20, 19))
    expect(world.socket.of('sub').map(({ subs }) => subs[0]?.topic)).toEqual([FILLS, ORDERS])
    world.socket.say(...snapshotOf(ORDERS, 20), publication(FILLS, 15, 14), ...snapshotOf(FILLS, 15), publication(FILLS, 16, 15))
    expect(world.status).toMatchObject({ phase: 'live', resyncs: 2 })
    expect(world.seqs(FILLS)).toEqual([16])
  })

  it('that come again at once are repaired more patiently, not in a loop', () => {
    const world = live()
    world.host.chance = 0
    const hole = () => world.socket.say(...snapshotOf(FILLS, 10), publication(FILLS, 14, 13))
    hole()
    expect(world.socket.of('sub')).toHaveLength(1)
    for (let i = 0; i < 50; i += 1) hole()
    expect(world.socket.of('sub')).toHaveLength(1)
    world.host.advance(500)
    expect(world.socket.of('sub')).toHaveLength(2)
  })

  it('in the pages of a snapshot are no snapshot', () => {
    const world = live()
    const page = (n: number) => ({ t: 'snap', topic: FILLS, epoch: 'e1', seq: 20, page: n, of: 2, data: [n] }) as const
    world.delivered.length = 0
    world.socket.say(page(2))
    expect(world.status.resyncs).toBe(1)
    world.socket.say(page(1), page(1), page(2))
    expect(world.delivered).toEqual([[FILLS, { kind: 'snapshot', epoch: 'e1', seq: 20, pages: [[1], [2]] }]])
  })
})

describe('what the next connection is told', () => {
  it('is the last one that was welcomed, and how many tries got no welcome since', () => {
    const world = live()
    world.host.chance = 0
    world.host.advance(40_000)
    world.socket.cut(1006)
    for (let i = 0; i < 2; i += 1) {
      world.host.advance(1_000)
      world.socket.cut(1006)
    }
    world.host.advance(1_000)
    world.socket.accept('c-2')
    expect(world.socket.hello.prev).toMatchObject({ conn: 'c-1', code: 1006, age_ms: 40_000, attempts: 2 })
  })
})

describe('a fallback', () => {
  it('says why it carries the stream, when WebSocket is tried next, and tries at once when asked', () => {
    const world = new World(FILLS)
    world.host.chance = 0
    for (let i = 0; i < 3; i += 1) {
      world.socket.cut(1006, 'blocked')
      world.host.advance(1_000)
    }
    const sse = world.socket.accept()
    const since = world.status.fallback?.since ?? 0
    expect(world.status.fallback).toEqual({ since, why: 'blocked', nextProbeAt: since + 15_000, probes: 0 })
    world.connection.tryWebSocket()
    expect(world.socket.kind).toBe('websocket')
    expect(world.status.fallback).toMatchObject({ nextProbeAt: null, probes: 1 })
    world.connection.tryWebSocket()
    expect(world.sockets.filter((socket) => !socket.isOver)).toHaveLength(2)
    world.socket.accept('c-9')
    expect(sse.closed).not.toBeNull()
    expect(world.status).toMatchObject({ transport: 'websocket', fallback: null })
  })
})
