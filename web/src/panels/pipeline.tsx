import { useConnection, useDesk, useIsFinal, useLatest, useServerNow } from '../stores'
import { Chip, counted, Empty, fixed, Missing, Panel, significant, span } from '../ui'
import type { Check, StageView } from '../wire/generated'
import { badgeState } from './badge'
import { AgeOf, InstrumentName } from './cells'
import { STATUS_TONE } from './tones'
import type { CheckStatus } from './types'

const ORDER: readonly StageView['stage'][] = ['venue', 'socket', 'decoder', 'journal', 'indicators', 'conditions', 'machine', 'broker', 'store', 'stream']
const SIGN: Record<CheckStatus, string> = { ok: '✓', waiting: '…', warning: '!', failed: '✕' }

export function StatusSign({ status }: { status: CheckStatus }) {
  return (
    <span className={`sign tone-${STATUS_TONE[status]}`} role="img" aria-label={status} title={status}>
      {SIGN[status]}
    </span>
  )
}

/** A stage of a session that has ended: as it was, and neither well nor ill now. */
function FinalSign({ status }: { status: CheckStatus }) {
  return (
    <span className="sign tone-slate" role="img" aria-label={`ended; it was ${status}`} title={`ended; it was ${status}`}>
      ·
    </span>
  )
}

function SymbolChecks({ checks }: { checks: readonly Check[] }) {
  if (checks.length === 0) return null
  const bad = checks.filter((check) => check.status !== 'ok')
  const summary = bad.length === 0 ? (checks.length === 1 ? 'the 1 symbol' : `all ${checks.length} symbols`) : `${bad.length} of ${checks.length} symbols`
  return (
    <details className="symbols">
      <summary>{summary}</summary>
      <ul>
        {checks.map((check) => (
          <li key={check.instrument ?? check.code}>
            <StatusSign status={check.status} /> {check.instrument ? <InstrumentName id={check.instrument} /> : check.label} <span className="dim">{check.detail}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** A stage that is well may be quiet: nothing to do is not stale. */
function LastSign({ us }: { us: number | null }) {
  const now = useServerNow()
  if (us === null) return <Missing reason="nothing to do yet" />
  const seconds = (now - us) / 1e6
  return <span className="age">{seconds < 1 ? 'now' : `${span(seconds)} ago`}</span>
}

function Stage({ stage }: { stage: StageView }) {
  const isFinal = useIsFinal()
  return (
    <li className="stage" data-testid="row" data-key={stage.stage} data-status={stage.status}>
      {isFinal ? <FinalSign status={stage.status} /> : <StatusSign status={stage.status} />}
      <span className="stage-name">{stage.stage}</span>
      <span className="stage-rate">{fixed(stage.rate, stage.rate < 10 ? 1 : 0)}/s</span>
      {stage.status === 'ok' && !isFinal ? <LastSign us={stage.last_ts} /> : <AgeOf us={stage.last_ts} absent="no sign of life yet" />}
      <span className="stage-detail dim" title={stage.detail}>
        {stage.last_error ? <span className="is-down">{stage.last_error}</span> : stage.detail}
      </span>
      <SymbolChecks checks={stage.instruments} />
    </li>
  )
}

/** The last stage: this tab, by its own account. */
function BrowserStage() {
  const status = useConnection()
  const { connection } = useDesk()
  const now = useServerNow()
  const state = badgeState(status)
  const age = connection.frameAgeMs()
  const verdict: CheckStatus = state === 'live' ? 'ok' : state === 'polling' ? 'warning' : state === 'catching_up' ? 'waiting' : 'failed'
  const rtt = status.rttMs === null ? 'round trip not measured on this transport' : `round trip ${significant(status.rttMs)} ms`
  return (
    <li className="stage" data-testid="row" data-key="browser" data-status={verdict}>
      <StatusSign status={verdict} />
      <span className="stage-name">this browser</span>
      <span className="stage-rate">{status.topics} topics</span>
      <AgeOf us={age === null ? null : now - age * 1000} absent="nothing received yet" />
      <span className="stage-detail dim">
        {rtt}, {counted(status.reconnects, 'reconnect')}, {counted(status.resyncs, 'resync')}, {counted(status.duplicates, 'duplicate')} dropped
      </span>
    </li>
  )
}

export function PipelinePanel() {
  const { isLoaded, rows } = useLatest('pipeline')
  const isFinal = useIsFinal()
  const stages = [...rows].sort((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage))
  const worst = stages.find((stage) => stage.status === 'failed') ?? stages.find((stage) => stage.status === 'warning')
  const tools = worst && !isFinal ? <Chip tone={STATUS_TONE[worst.status]}>{`${worst.stage}: ${worst.status}`}</Chip> : undefined
  return (
    <Panel title="Pipeline" testId="panel-pipeline" note={isFinal ? 'as it was at the end' : 'from the venue to this screen'} tools={tools}>
      {!isLoaded && <Empty title="Waiting for the first snapshot">The stream has not delivered the stages yet.</Empty>}
      {isLoaded && stages.length === 0 && <Empty title="No stage reports">The session is not running, or its last views were not kept.</Empty>}
      <ul className="stages">
        {stages.map((stage) => (
          <Stage key={stage.stage} stage={stage} />
        ))}
        <BrowserStage />
      </ul>
    </Panel>
  )
}
