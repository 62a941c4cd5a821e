import { create } from 'zustand'
import { ApiError } from './api'

export interface Notice {
  id: number
  severity: 'error' | 'info'
  title: string
  text: string
}

interface Notices {
  items: readonly Notice[]
  push(notice: Omit<Notice, 'id'>): void
  dismiss(id: number): void
}

let next = 1

/** What must be said to the trader about something he just did. Errors stay until dismissed. */
export const useNotices = create<Notices>()((set) => ({
  items: [],
  push: (notice) => set((now) => ({ items: [...now.items, { ...notice, id: next++ }].slice(-5) })),
  dismiss: (id) => set((now) => ({ items: now.items.filter((item) => item.id !== id) })),
}))

/** Runs a command and says in full why it was not carried out. */
export async function attempt(what: string, run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run()
    return true
  } catch (error) {
    useNotices.getState().push({ severity: 'error', title: `${what} was not carried out.`, text: describeError(error) })
    return false
  }
}

export function describeError(error: unknown): string {
  if (error instanceof ApiError) {
    const where = error.path ? ` (${error.path})` : ''
    const id = error.errorId ? ` Log entry ${error.errorId}.` : ''
    return `${error.message}${where}${id}`
  }
  return error instanceof Error ? error.message : String(error)
}
