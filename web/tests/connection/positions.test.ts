import { describe, expect, it } from 'vitest'
import { heartbeat, publication, snapshotOf, World } from './world'

const FILLS = 'session/s/fills'
const ORDERS = 'session/s/orders'

function live(...topics: string[]): World {
  const world = new World(...topics)
  world.socket.accept()
  for (const topic of topics) world.socket.say(...snapshotOf(topic, 10))
  return world
}

describe('positions', () => {
  it('are sent in hello with the whole list and the story of the last close', () => {
    const world = live(FILLS, ORDERS)
    world.socket.say(publication(FILLS, 11, 10))
    world.host.advance(40_000)
    world.socket.cut(1006)
    world.host.advance(6_000)
    world.socket.accept('c-2')
    expect(world.socket.hello).toEqual({
      t: 'hello',
      v: 1,
      tab: 'tab-1',
      vis: true,
      batch: true,
      prev: { conn: 'c-1', code: 1006, reason: 'no reason given', transport: 'websocket', age_ms: 40_000, silent_ms: 40_000, attempts: 0 },
      subs: [
        { topic: FILLS, epoch: 'e1', seq: 11 },
        { topic: ORDERS, epoch: 'e1', seq: 10 },
      ],
    })
    expect(world.status.reconnects).toBe(1)
  })

  it('drop what was seen already', () => {
    const world = live(FILLS)
    world.socket.say(publication(FILLS, 11, 10), publication(FILLS, 11, 10), publication(FILLS, 9, 8), publication(FILLS, 12, 11))
    expect(world.seqs(FILLS)).toEqual([11, 12])
    expect(world.status.duplicates).toBe(2)
  })

  it('prove continuity by prev: a hole asks for a snapshot and delivers nothing until it is there', () => {
    const world = live(FILLS)
    world.socket.say(publication(FILLS, 14, 13))
    expect(world.socket.of('unsub')).toEqual([{ t: 'unsub', topics: [FILLS] }])
    expect(world.socket.of('sub')).toEqual([{ t: 'sub', subs: [{ topic: FILLS }] }])
    expect(world.status).toMatchObject({ phase: 'catching_up', resyncs: 1 })
    world.socket.say(publication(FILLS, 15, 14))
    expect(world.seqs(FILLS)).toEqual([])
    world.socket.say(...snapshotOf(FILLS, 15), publication(FILLS, 16, 15))
    expect(world.seqs(FILLS)).toEqual([16])
    expect(world.status.phase).toBe('live')
  })

  it('notice a loss at the end of a topic by the heads of two heartbeats', () => {
    const world = live(FILLS)
    world.socket.say(heartbeat({ [FILLS]: 12 }))
    expect(world.status.resyncs).toBe(0)
    world.socket.say(heartbeat({ [FILLS]: 12 }))
    expect(world.status.resyncs).toBe(1)
  })

  it('do not mistake data overtaken by a heartbeat for a loss', () => {
    const world = live(FILLS)
    world.socket.say(heartbeat({ [FILLS]: 11 }), publication(FILLS, 11, 10), heartbeat({ [FILLS]: 12 }), publication(FILLS, 12, 11))
    world.socket.say(heartbeat({ [FILLS]: 12 }))
    expect(world.status.resyncs).toBe(0)
    expect(world.seqs(FILLS)).toEqual([11, 12])
  })

  it('start over when the epoch changed', () => {
    const world = live(FILLS)
    world.socket.say(publication(FILLS, 1, 0, 'e2'))
    expect(world.status.resyncs).toBe(1)
    world.socket.say(...snapshotOf(FILLS, 1, 'e2'), publication(FILLS, 2, 1, 'e2'))
    expect(world.seqs(FILLS)).toEqual([2])
  })

  it('take every publication of a latest value, also several of one seq, and drop older ones', () => {
    const topic = 'session/s/watchlist'
    const world = live(topic)
    world.socket.say(publication(topic, 10, null), publication(topic, 10, null), publication(topic, 12, null), publication(topic, 11, null))
    expect(world.seqs(topic)).toEqual([10, 10, 12])
  })

  it('put the pages of a snapshot together before anything is shown', () => {
    const world = new World(FILLS)
    world.socket.accept()
    world.socket.say({ t: 'sub', topic: FILLS, epoch: 'e1', resumed: false, from: 0, to: 4 })
    world.socket.say({ t: 'snap', topic: FILLS, epoch: 'e1', seq: 4, page: 1, of: 2, data: [1, 2] })
    expect(world.delivered).toEqual([])
    world.socket.say({ t: 'snap', topic: FILLS, epoch: 'e1', seq: 4, page: 2, of: 2, data: [3, 4] })
    expect(world.delivered).toEqual([[FILLS, { kind: 'snapshot', epoch: 'e1', seq: 4, pages: [[1, 2], [3, 4]] }]])
  })
})

describe('the list of topics', () => {
  it('survives a component that mounts twice, as in StrictMode, on one socket', () => {
    const world = live(FILLS)
    for (let i = 0; i < 1_000; i += 1) world.connection.subscribe(ORDERS)()
    world.connection.subscribe(ORDERS)
    world.host.advance(60)
    world.connection.start()
    world.socket.say(heartbeat())
    world.host.advance(30_000)
    expect(world.sockets).toHaveLength(1)
    expect(world.socket.of('sub')).toEqual([{ t: 'sub', subs: [{ topic: ORDERS }] }])
    expect(world.socket.of('unsub')).toEqual([])
  })

  it('drops a topic nobody wanted for 10 s', () => {
    const world = live(FILLS)
    const release = world.connection.subscribe(ORDERS)
    world.host.advance(100)
    release()
    world.host.advance(10_000)
    expect(world.socket.of('unsub')).toEqual([{ t: 'unsub', topics: [ORDERS] }])
  })

  it('opens a one-way transport anew to learn a new topic, which is not a reconnect', () => {
    const world = new World(FILLS)
    for (let i = 0; i < 3; i += 1) {
      world.socket.cut()
      world.host.advance(6_000)
    }
    world.socket.accept()
    world.connection.subscribe(ORDERS)
    world.host.advance(50)
    expect(world.socket.kind).toBe('sse')
    world.socket.accept()
    expect(world.socket.hello.subs?.map((sub) => sub.topic)).toEqual([FILLS, ORDERS])
    expect(world.status.reconnects).toBe(0)
  })

  it('is not held up by a topic the server refuses', () => {
    const world = live(FILLS)
    world.connection.subscribe('session/gone/fills')
    world.host.advance(50)
    expect(world.status.phase).toBe('catching_up')
    world.socket.say({ t: 'err', code: 'session.not_found', message: 'There is no session gone.', temporary: false, topic: 'session/gone/fills' })
    expect(world.status).toMatchObject({ phase: 'live', reason: 'session/gone/fills: There is no session gone.' })
  })
})

describe('the clock', () => {
  it('knows the offset to the server by the quickest round trip', () => {
    const world = live(FILLS)
    const ping = world.socket.of('ping')[0]
    world.host.advance(40)
    world.socket.say({ t: 'pong', id: ping?.id ?? 0, srv_ts: (world.host.wall() + 5_000 - 20) * 1000 })
    expect(world.status).toMatchObject({ rttMs: 40, clockOffsetMs: 5_000 })
  })
})
