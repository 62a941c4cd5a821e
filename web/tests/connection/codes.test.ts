import { expect, it } from 'vitest'
import { closeWords } from '../../src/connection'

it('a close is told in words a trader understands, by who closed', () => {
  expect([closeWords(1001, 'client'), closeWords(1001, 'server'), closeWords(1006, 'network'), closeWords(null, 'network'), closeWords(4202, 'server')]).toEqual([
    'You closed or reloaded the page',
    'The desk is shutting down or restarting',
    'The line was cut',
    'The line was cut',
    'A planned rotation of the connection',
  ])
})
