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

/** What the chart shows: the chosen instance, or, where nothing trades, the chosen symbol, and the first until one is. */
export function useShown(): Pick<InstanceView, 'strategy' | 'instrument'> | null {
  const { sessionId } = useSession()
  const chosen = useChosen()
  const instances = useLatest('instances')
  const symbols = useLatest('watchlist').rows
  const key = useSelection((now) => now.instances[sessionId])
  if (chosen || !instances.isLoaded || instances.rows.length > 0) return chosen
  const row = symbols.find((one) => key === symbolKey(one.instrument)) ?? symbols[0]
  return row ? { strategy: '', instrument: row.instrument } : null
}

/** Chooses a symbol: its instance of the strategy that is shown, or any; the symbol itself where none runs on it. */
export function useChooseSymbol(): (instrument: string) => void {
  const { sessionId } = useSession()
  const instances = useLatest('instances').rows
  const shown = useShown()
  const choose = useSelection((now) => now.choose)
  return (instrument) => {
    const ofSymbol = instances.filter((one) => one.instrument === instrument)
    const instance = ofSymbol.find((one) => one.strategy === shown?.strategy) ?? ofSymbol[0]
    choose(sessionId, instance?.key ?? symbolKey(instrument))
  }
}

function symbolKey(instrument: string): string {
  return `|${instrument}`
}
