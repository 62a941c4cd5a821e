const LEVELS = 5

function isCut(element: HTMLElement): boolean {
  return element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX !== 'visible' && element.clientWidth > 0
}

function onOver(event: Event): void {
  let element = event.target instanceof HTMLElement ? event.target : null
  for (let level = 0; element && level < LEVELS; level += 1, element = element.parentElement) {
    if (element.title && element.dataset['cut'] === undefined) return
    if (!isCut(element)) continue
    if (element.querySelector('button, input, table, canvas') && element.tagName !== 'TD') return
    element.dataset['cut'] = ''
    element.title = element.innerText.trim()
    return
  }
}

/** Gives every text that does not fit its whole self as a tooltip, until the answer is called. */
export function titleCutTexts(): () => void {
  document.addEventListener('mouseover', onOver, { passive: true })
  return () => document.removeEventListener('mouseover', onOver)
}
