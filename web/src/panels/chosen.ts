import { useEffect } from 'react'
import { byUrgency, useLatest, useSelection, useSession } from '../stores'
import type { InstanceView } from '../wire/generated'

/** The instance the trader looks at: his choice, or the most urgent one when he came. */
export function useChosen(): InstanceView | null {
  const { sessionId } = useSession()
  const { rows, byKey } = useLatest('instances')
  const key = useSelection((now) => now.instances[sessionId])
  const choose = useSelection((now) => now.choose)
  const own = key ? byKey.get(key) : undefined
  const first = own ?? [...rows].sort(byUrgency)[0] ?? null
  const firstKey = first?.key
  useEffect(() => {
    if (!own && firstKey) choose(sessionId, firstKey)
  }, [own, firstKey, choose, sessionId])
  return first
}
