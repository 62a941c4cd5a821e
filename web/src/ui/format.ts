const MINUS = '−'

function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** `1.5E-7` written out, digit for digit. */
function writtenOut(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?E([+-]?\d+)$/i.exec(text)
  if (!parts) return text
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts
  const digits = whole + fraction
  if (/^0+$/.test(digits)) return '0'
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length)
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** An exact decimal text with its thousands grouped; nothing is rounded. */
export function exact(decimal: string): string {
  const text = writtenOut(decimal)
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(text) ?? []
  return whole ? `${sign ? MINUS : ''}${group(whole)}${fraction}` : text
}

const COMPUTED_DIGITS = 8

/** A computed price, such as an average: what was calculated beyond 8 significant digits says nothing. */
export function computed(decimal: string): string {
  const digits = decimal.replace(/E.*$/i, '').replace(/\D/g, '').replace(/^0+/, '')
  if (digits.length <= COMPUTED_DIGITS) return exact(decimal)
  const rounded = exact(Number(decimal).toPrecision(COMPUTED_DIGITS))
  return rounded.includes('.') ? rounded.replace(/\.?0+$/, '') : rounded
}

/** A number with a fixed count of decimals, thousands grouped, and a real minus; zero has no sign. */
export function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals)
  return exact(Number(text) === 0 ? text.replace('-', '') : text)
}

/** `1 instance`, `3 instances`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

export function signed(value: number, decimals: number): string {
  const text = fixed(value, decimals)
  return Number(value.toFixed(decimals)) > 0 ? `+${text}` : text
}

/** About four significant digits, as an indicator's value is read. */
export function significant(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size < 0.0001 || size >= 1e9) return value.toExponential(2).replace('-', MINUS)
  const decimals = size >= 10_000 ? 1 : size >= 100 ? 2 : size >= 1 ? 3 : size >= 0.01 ? 4 : 5
  return fixed(value, decimals)
}

/** A threshold as a trader would write it: 1.2, not 1.200. */
export function plain(value: number): string {
  const text = significant(value)
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text
}

/** A price as it was sent: the shortest text that means the same number. */
export function price(value: number): string {
  return exact(String(value))
}

export function percent(value: number, decimals = 2): string {
  return `${fixed(value, decimals)} %`
}

export function signedPercent(value: number, decimals = 2): string {
  return `${signed(value, decimals)} %`
}

/** Money for reading at a glance: 12.3 M, 840 k. */
export function compact(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e9) return `${fixed(value / 1e9, 2)} B`
  if (size >= 1e6) return `${fixed(value / 1e6, 2)} M`
  if (size >= 1e4) return `${fixed(value / 1e3, 1)} k`
  return fixed(value, size >= 100 ? 0 : 2)
}

/** A span of time in its two largest units: 42 s, 3 min 05 s, 2 h 14 min, 3 d 4 h. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`
}

/** Time of day in the trader's own zone, from microseconds UTC. */
export function clockTime(us: number): string {
  return new Date(us / 1000).toLocaleTimeString('en-GB', { hour12: false })
}

export function dateTime(us: number): string {
  const date = new Date(us / 1000)
  return `${date.toLocaleDateString('en-CA')} ${date.toLocaleTimeString('en-GB', { hour12: false })}`
}
