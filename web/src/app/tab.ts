const KEY = 'papertape.tab'

function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6))
  return `tab-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Names this tab across reloads, so that the server can tell its connections from those of others. */
export function tabName(): string {
  try {
    const known = sessionStorage.getItem(KEY) ?? newName()
    sessionStorage.setItem(KEY, known)
    return known
  } catch {
    return newName()
  }
}

/** A key for one command: repeating it with the same key does not repeat the command. */
export function newKey(): string {
  return newName().replace('tab-', 'web-') + Date.now().toString(16)
}
