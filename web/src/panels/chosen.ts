import { useEffect, useMemo } from 'react'
import { mostUrgent, useLatest, useSelection, useSession } from '../stores'
import type { InstanceView } from '../wire/generated'

/** The instance the trader looks at: the one chosen, and until one is, the most urgent. */
export function useChosen(): InstanceView | null {
  const { sessionId } = useSession()
  const { rows, byKey } = useLatest('instances')
  const key = useSelection((now) => now.instances[sessionId])
  const followed = useSelection((now) => now.followed[sessionId])
  const follow = useSelection((now) => now.follow)
  const own = key ? byKey.get(key) : undefined
  const urgent = useMemo(() => mostUrgent(rows, followed), [rows, followed])
  const urgentKey = urgent?.key
  useEffect(() => {
    if (urgentKey && urgentKey !== followed) follow(sessionId, urgentKey)
  }, [urgentKey, followed, follow, sessionId])
  return own ?? urgent
}
