import { describe, expect, it } from 'vitest'
import { FrameLog, messagesOf } from '../../src/connection'
import { parseMessages } from '../../src/connection/transport'
import { heartbeat, publication, snapshotOf, World } from './world'

const TOPIC = 'session/s/fills'

describe('a frame', () => {
  it('holds one message or a list of them, in order', () => {
    const [first, second] = [publication(TOPIC, 1, 0), publication(TOPIC, 2, 1)]
    expect(parseMessages(JSON.stringify(first))).toEqual([first])
    expect(parseMessages(JSON.stringify([first, second]))).toEqual([first, second])
  })

  it('that is no message is left out and breaks nothing', () => {
    expect(['', 'garbage', 'null', '7', '[null, 3]', '{}', '{"t"'].flatMap(parseMessages)).toEqual([])
    expect(messagesOf('garbage')).toEqual([])
  })
})

describe('the raw frames of a tab', () => {
  it('are kept as they went over the wire, newest first, with what they hold told on demand', () => {
    const world = new World(TOPIC)
    world.socket.accept()
    world.socket.say(...snapshotOf(TOPIC, 4))
    const [newest] = world.connection.frames.newest()
    expect(newest).toMatchObject({ direction: 'in', transport: 'websocket' })
    expect(messagesOf(newest?.text ?? '')).toEqual([{ kind: 'snap', topic: TOPIC, seq: 4 }])
    expect(messagesOf(JSON.stringify([heartbeat(), publication(TOPIC, 5, 4)]))).toEqual([
      { kind: 'hb', topic: null, seq: null },
      { kind: 'pub', topic: TOPIC, seq: 5 },
    ])
  })

  it('are at most 500, and at most 4 million characters', () => {
    const log = new FrameLog(() => 0)
    for (let i = 0; i < 1_200; i += 1) log.add('in', 'websocket', String(i))
    expect(log.newest().map((frame) => frame.text)).toEqual(Array.from({ length: 500 }, (_, i) => String(1_199 - i)))
    expect(log.counts).toEqual({ framesIn: 1_200, framesOut: 0, charsIn: 3_690, charsOut: 0 })
    const page = 'x'.repeat(60_000)
    for (let i = 0; i < 500; i += 1) log.add('in', 'websocket', page)
    expect(log.newest()).toHaveLength(66)
    log.add('out', 'websocket', 'y'.repeat(5_000_000))
    expect(log.newest()).toHaveLength(1)
  })
})
