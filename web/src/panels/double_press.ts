/** How long the second press may take, milliseconds. */
export const DOUBLE_MS = 1_500

/**
 * Recognises Esc, and Esc again, for the emergency stop. It outlives every drawing of the page: a session draws many
 * times a second, and a first press must not be forgotten by that.
 */
export class DoublePress {
  private first = -Infinity

  /** Answers what a press at `at` (milliseconds) is: the first of two, or the second. */
  press(at: number): 'first' | 'second' {
    const isSecond = at - this.first <= DOUBLE_MS
    this.first = isSecond ? -Infinity : at
    return isSecond ? 'second' : 'first'
  }
}

/** Whether a key is a press of Esc that nothing else has a use for. */
export function isFreeEscape(event: Pick<KeyboardEvent, 'key' | 'repeat' | 'defaultPrevented'>): boolean {
  return event.key === 'Escape' && !event.repeat && !event.defaultPrevented
}
