import { create } from 'zustand'
import { persist } from 'zustand/middleware'

interface Preferences {
  /** Sections and states as words ("Found") or as codes ("S1"). */
  naming: 'words' | 'codes'
  chartInterval: number
  setNaming(naming: 'words' | 'codes'): void
  setChartInterval(seconds: number): void
}

/** What the trader prefers, kept in this browser. */
export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      naming: 'words',
      chartInterval: 5,
      setNaming: (naming) => set({ naming }),
      setChartInterval: (chartInterval) => set({ chartInterval }),
    }),
    { name: 'papertape.preferences', version: 1 },
  ),
)

interface Selection {
  /** `strategy|instrument` of the instance the trader chose, by session. */
  instances: Record<string, string>
  /** The most urgent instance as last shown, by session. */
  followed: Record<string, string>
  dismissedAlerts: Record<string, number>
  choose(session: string, instance: string): void
  /** Forgets the choice; the most urgent instance is shown again. */
  release(session: string): void
  follow(session: string, instance: string): void
  /** Alerts up to this seq were seen. */
  dismissAlerts(session: string, seq: number): void
}

/** What the trader looks at; forgotten at reload. */
export const useSelection = create<Selection>()((set) => ({
  instances: {},
  followed: {},
  dismissedAlerts: {},
  choose: (session, instance) => set((now) => ({ instances: { ...now.instances, [session]: instance } })),
  release: (session) => set((now) => ({ instances: Object.fromEntries(Object.entries(now.instances).filter(([id]) => id !== session)) })),
  follow: (session, instance) => set((now) => ({ followed: { ...now.followed, [session]: instance } })),
  dismissAlerts: (session, seq) => set((now) => ({ dismissedAlerts: { ...now.dismissedAlerts, [session]: seq } })),
}))
