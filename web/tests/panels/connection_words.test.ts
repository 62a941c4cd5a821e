import { expect, it } from 'vitest'
import { agentName, deskStory, duration, pageStory } from '../../src/panels/connection_words'
import type { ConnectionView } from '../../src/wire/generated'

const ENDED = {
  told_by: 'desk',
  closed_by: 'server',
  code: 4101,
  client_story: { conn: 'c-1', code: 4101, reason: '', transport: 'websocket', attempts: 2 },
} as ConnectionView

it('both sides of an end are told in words', () => {
  expect([deskStory(ENDED), pageStory(ENDED)]).toEqual([
    'The client reads slower than facts come',
    'The client reads slower than facts come, back after 2 failed tries',
  ])
  expect(deskStory({ ...ENDED, told_by: 'client' })).toBe('The desk was restarted and knows nothing of it')
  expect(pageStory({ ...ENDED, client_story: null })).toBe('It has not come back to tell')
  expect(pageStory({ ...ENDED, closed_by: 'client', client_story: null })).toBe('It left on purpose')
})

it('a browser is named, and what is none keeps its own name', () => {
  const mozilla = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)'
  expect(
    [`${mozilla} Chrome/156.0.0.0 Safari/537.36`, `${mozilla} Chrome/156.0 Safari/537.36 Edg/156.0`, 'Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0', 'papertape-client/0.4.0', ''].map(agentName),
  ).toEqual(['Chrome 156', 'Edge 156', 'Firefox 140', 'papertape-client/0.4.0', 'not said'])
})

it('durations are read at a glance', () => {
  expect([0, 3.24, 240, 1_840, 242_000].map(duration)).toEqual(['0 ms', '3.2 ms', '240 ms', '1.8 s', '4 min 02 s'])
})
