import { closeWords, type ConnectionStatus, type TransportKind } from '../connection'
import { counted, fixed, span, type Tone } from '../ui'
import { CLOSE_CODES, type ConnectionView, type StreamHealth } from '../wire/generated'

export const CARRIER: Record<TransportKind, string> = { websocket: 'WebSocket', sse: 'event stream', poll: 'long polling' }

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  if (count < 1e6) return `${fixed(count / 1e3, count < 1e4 ? 1 : 0)} kB`
  return count < 1e9 ? `${fixed(count / 1e6, 1)} MB` : `${fixed(count / 1e9, 2)} GB`
}

/** Milliseconds as they are read: 12 ms, 1.8 s, 4 min 02 s. */
export function duration(ms: number): string {
  if (ms < 1000) return `${fixed(ms, ms > 0 && ms < 10 ? 1 : 0)} ms`
  return ms < 10_000 ? `${fixed(ms / 1000, 1)} s` : span(ms / 1000)
}

/** `4101 slow consumer`, for those who look codes up. */
export function codeName(code: number | null): string {
  if (code === null) return 'no code'
  const name = CLOSE_CODES[code]?.name.replaceAll('_', ' ')
  return name ? `${code} ${name}` : String(code)
}

export const PHASE: Record<ConnectionStatus['phase'], { word: string; tone: Tone }> = {
  idle: { word: 'not started', tone: 'slate' },
  connecting: { word: 'connecting', tone: 'blue' },
  catching_up: { word: 'catching up', tone: 'blue' },
  live: { word: 'live', tone: 'teal' },
  waiting: { word: 'offline', tone: 'red' },
  stopped: { word: 'refused', tone: 'red' },
}

export const MEMORY: Record<StreamHealth['memory_state'], { word: string; tone: Tone; means: string }> = {
  normal: { word: 'plenty', tone: 'teal', means: 'Nothing is held back.' },
  refuse: { word: 'short', tone: 'amber', means: 'New connections are turned away; those that live are served as always.' },
  slow: { word: 'scarce', tone: 'amber', means: 'Latest values come once a second, and new connections are turned away. No fact is lost.' },
  shed: { word: 'critical', tone: 'red', means: 'The newest connections are closed, one a tick, until there is room. They come back and resume.' },
}

/** What a User-Agent calls itself, the most particular first: most of them also claim to be the ones after them. */
const AGENTS: readonly (readonly [string, string])[] = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['HeadlessChrome', 'Chrome, headless'],
  ['Firefox', 'Firefox'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
]

/** The browser behind a User-Agent, as far as it can be told. */
export function agentName(agent: string): string {
  for (const [token, name] of AGENTS) {
    const version = new RegExp(`\\b${token}/(\\d+)`).exec(agent)?.[1]
    if (version) return `${name} ${version}`
  }
  return agent.split(' ')[0]?.slice(0, 40) || 'not said'
}

export type Closer = 'client' | 'server' | 'network'
export const CLOSER: Record<Closer, { word: string; tone: Tone }> = {
  client: { word: 'the page', tone: 'blue' },
  server: { word: 'the desk', tone: 'amber' },
  network: { word: 'the network', tone: 'red' },
}

/** What the desk recorded of an end, in a sentence. */
export function deskStory(row: ConnectionView): string {
  if (row.told_by === 'client') return 'The desk was restarted and knows nothing of it'
  return closeWords(row.code, row.closed_by)
}

/** What the page saw of the same end, told at its next visit. */
export function pageStory(row: ConnectionView): string {
  const told = row.client_story
  if (!told) return row.closed_by === 'client' ? 'It left on purpose' : 'It has not come back to tell'
  const tries = told.attempts ? `, back after ${counted(told.attempts, 'failed try', 'failed tries')}` : ''
  return `${closeWords(told.code ?? null, null)}${tries}`
}
