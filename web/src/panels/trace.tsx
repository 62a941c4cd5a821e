import { Chip, Missing, plain, significant, span } from '../ui'
import type { ConditionReading } from '../wire/generated'
import { metBeforeS, operatorSign, whyUndecided } from './cells'
import type { Answer } from './types'

const ANSWER_TONE = { true: 'teal', false: 'red', undecided: 'amber' } as const
const ANSWER_WORD: Record<Answer, string> = { true: 'yes', false: 'no', undecided: 'undecided' }

export function AnswerChip({ answer }: { answer: Answer }) {
  return (
    <Chip tone={ANSWER_TONE[answer]}>
      {answer === 'true' ? '✓ ' : answer === 'false' ? '✕ ' : '? '}
      {ANSWER_WORD[answer]}
    </Chip>
  )
}

/** `4.21 % ≥ 7 %`, or why there is no value. */
export function Comparison({ reading, arrow = '', isPast = false }: { reading: ConditionReading; arrow?: string; isPast?: boolean }) {
  const unit = reading.unit ? ` ${reading.unit}` : ''
  return (
    <span className="comparison">
      {reading.value === null ? <Missing reason={whyUndecided(reading)} /> : isPast ? <span className="faint" title="the value now; the condition was met before">{significant(reading.value) + unit}</span> : <b>{significant(reading.value) + unit}</b>}
      <span className="dim"> {arrow + operatorSign(reading.operator)} </span>
      {reading.threshold === null ? (
        <Missing reason={reading.reason ?? 'its other side has no value yet'} />
      ) : (
        <span>{plain(reading.threshold) + unit}</span>
      )}
    </span>
  )
}

function remark(reading: ConditionReading, ts: number): string {
  if (reading.answer === 'undecided') return whyUndecided(reading)
  const before = metBeforeS(reading, ts)
  if (before !== null) return `met ${span(before)} before`
  return reading.held_s !== null && reading.held_s > 0 ? `held ${span(reading.held_s)}` : ''
}

/** Every condition as it was evaluated when something happened. */
export function Trace({ readings, ts }: { readings: readonly ConditionReading[]; ts: number }) {
  if (readings.length === 0) return <Missing reason="No condition was evaluated for this: it came from a command, a timeout or the venue." />
  return (
    <ul className="trace" aria-label="Conditions evaluated">
      {readings.map((reading) => (
        <li key={reading.path}>
          <AnswerChip answer={reading.answer} />
          <span className="trace-label">{reading.label}</span>
          <Comparison reading={reading} isPast={metBeforeS(reading, ts) !== null} />
          <span className="faint">
            {remark(reading, ts)}
          </span>
          <span className="mono faint trace-path">{reading.path}</span>
        </li>
      ))}
    </ul>
  )
}
