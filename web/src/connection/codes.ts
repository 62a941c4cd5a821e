import { CLOSE_CODES } from '../wire/generated'
import { CLOSE_DEAD, CLOSE_NO_WELCOME } from './link'

/** Codes that say something else depending on who closed, in a trader's words. */
export function closeWords(code: number | null, by: 'client' | 'server' | 'network' | null): string {
  if (code === CLOSE_DEAD) return 'The desk went silent'
  if (code === CLOSE_NO_WELCOME) return 'The desk did not answer in time'
  if (code === 1001 && by === 'client') return 'You closed or reloaded the page'
  if (code === 1000) return by === 'server' ? 'The desk ended it as planned' : 'You closed or left the page'
  if (code === null || code === 1005 || code === 1006) return by === 'client' ? 'You closed or reloaded the page' : 'The line was cut'
  return CLOSE_CODES[code]?.meaning.replace(/\.$/, '') ?? `Ended with code ${code}`
}
