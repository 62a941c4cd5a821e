import { CLOSE_CODES } from '../wire/generated'

/** What to do after a close: never come back, come back patiently, come back at once. */
export function reactionTo(code: number | null): 'stop' | 'back_off' | 'at_once' {
  if (code === null) return 'back_off'
  const declared = CLOSE_CODES[code]
  if (declared) return declared.reaction
  if (code >= 4000 && code < 4100) return 'stop'
  return code >= 4200 && code < 4400 ? 'at_once' : 'back_off'
}
