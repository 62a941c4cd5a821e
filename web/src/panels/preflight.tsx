import { useIsFinal, useLatest, useServerNow } from '../stores'
import { Chip, clockTime, Empty, Panel, span } from '../ui'
import type { Check } from '../wire/generated'
import { InstrumentName } from './cells'
import { StatusSign } from './pipeline'
import { STATUS_TONE } from './tones'

/** When a check was made; one made once, before the start, does not go stale. */
function CheckedAt({ us }: { us: number }) {
  const seconds = (useServerNow() - us) / 1e6
  if (useIsFinal()) return <span className="age">{clockTime(us)}</span>
  return <span className="age">{seconds < 2 ? 'just now' : `${span(seconds)} ago`}</span>
}

function Line({ check }: { check: Check }) {
  return (
    <li className="check" data-testid="row" data-key={`${check.code}${check.instrument ?? ''}`} data-status={check.status}>
      <StatusSign status={check.status} />
      <span className="check-text">
        <b className="medium">{check.label}</b> {check.instrument && !check.detail.includes(check.instrument) && <InstrumentName id={check.instrument} />} <span className="dim">{check.detail}</span>
      </span>
      {check.checked_ts > 0 && <CheckedAt us={check.checked_ts} />}
    </li>
  )
}

const RANK = { failed: 0, warning: 1, waiting: 2, ok: 3 } as const

export function PreflightPanel() {
  const { isLoaded, rows } = useLatest('preflight')
  const view = rows[0]
  const checks = view ? [...view.checks].sort((a, b) => RANK[a.status] - RANK[b.status]) : []
  const passed = checks.filter((check) => check.status === 'ok').length
  const isFinal = useIsFinal()
  const tools = view && isFinal && view.status !== 'failed' ? <Chip tone="slate">as it was</Chip> : view && <Chip tone={STATUS_TONE[view.status]}>{view.status === 'ok' ? 'all well' : view.status}</Chip>
  return (
    <Panel title="Pre-flight and proof of life" testId="panel-preflight" note={view ? `${passed} of ${checks.length} ${isFinal ? 'held, as it was' : 'hold'}` : undefined} tools={tools}>
      {checks.length > 0 ? (
        <ul className="checks">
          {checks.map((check) => (
            <Line key={`${check.code}|${check.instrument ?? ''}`} check={check} />
          ))}
        </ul>
      ) : isLoaded ? (
        <Empty title="No check is recorded">The session ended before its checks were kept.</Empty>
      ) : (
        <Empty title="Waiting for the first snapshot">The stream has not delivered the checks yet.</Empty>
      )}
    </Panel>
  )
}
