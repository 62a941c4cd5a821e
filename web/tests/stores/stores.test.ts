import { describe, expect, it } from 'vitest'
import { FactStore, FrameScheduler, LatestStore } from '../../src/stores'

function frames() {
  const requested: (() => void)[] = []
  const scheduler = new FrameScheduler((run) => requested.push(run))
  return { scheduler, requested, paint: () => requested.splice(0).forEach((run) => run()) }
}

const publication = (seq: number, data: unknown) => ({ kind: 'publication' as const, epoch: 'e1', seq, ts: 0, data })
const snapshot = (seq: number, ...pages: unknown[]) => ({ kind: 'snapshot' as const, epoch: 'e1', seq, pages })

describe('a store of latest values', () => {
  it('is painted once a frame, however many publications came', () => {
    const { scheduler, requested, paint } = frames()
    const store = new LatestStore<{ last: number }>(scheduler)
    let painted = 0
    store.subscribe(() => (painted += 1))
    store.apply(snapshot(1, { a: { last: 1 } }, { b: { last: 2 } }))
    for (let i = 0; i < 100; i += 1) store.apply(publication(i + 2, { a: { last: i } }))
    expect(store.get()).toEqual({ isLoaded: false, rows: [], byKey: new Map() })
    expect(requested).toHaveLength(1)
    paint()
    expect(painted).toBe(1)
    expect(store.get().rows).toEqual([{ last: 99 }, { last: 2 }])
  })

  it('keeps the identity of a row that did not change, and drops a key published as null', () => {
    const { scheduler, paint } = frames()
    const store = new LatestStore<{ last: number }>(scheduler)
    store.apply(snapshot(1, { a: { last: 1 }, b: { last: 2 }, c: { last: 3 } }))
    paint()
    const b = store.get().byKey.get('b')
    store.apply(publication(2, { a: { last: 9 }, c: null }))
    paint()
    expect(store.get().byKey.get('b')).toBe(b)
    expect([...store.get().byKey.keys()]).toEqual(['a', 'b'])
  })
})

describe('a store of facts', () => {
  it('shows the newest first and never the same fact twice', () => {
    const { scheduler, paint } = frames()
    const store = new FactStore<{ seq: number }>(scheduler)
    store.apply(snapshot(2, [{ seq: 1 }], [{ seq: 2 }]))
    store.apply(publication(3, { seq: 3 }))
    store.apply(publication(3, { seq: 3 }))
    paint()
    expect(store.get()).toEqual({ isLoaded: true, items: [{ seq: 3 }, { seq: 2 }, { seq: 1 }] })
  })

  it('keeps what is older than a new snapshot of the same epoch, so that no panel empties', () => {
    const { scheduler, paint } = frames()
    const store = new FactStore<{ seq: number }>(scheduler)
    store.apply(snapshot(2, [{ seq: 1 }, { seq: 2 }]))
    store.apply(snapshot(6, [{ seq: 5 }, { seq: 6 }]))
    paint()
    expect(store.get().items.map((fact) => fact.seq)).toEqual([6, 5, 2, 1])
    store.apply({ ...snapshot(1, [{ seq: 1 }]), epoch: 'e2' })
    paint()
    expect(store.get().items).toEqual([{ seq: 1 }])
  })
})
