import { useServerNow } from '../stores'
import { Chip, clockTime, counted, Empty, fixed, Meter, Panel } from '../ui'
import type { CloseCount, LagSecond, StreamHealth } from '../wire/generated'
import { closeWords } from '../connection'
import { bytes, CLOSER, codeName, duration, MEMORY } from './connection_words'
import { Figure } from './figure'

const WINDOW_S = 300
const TOPS_MS = [20, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000]
const HEIGHT = 100

function topOf(worstMs: number): number {
  return TOPS_MS.find((top) => top >= worstMs) ?? Math.ceil(worstMs / 60_000) * 60_000
}

/** How late the desk's event loop was, second by second: one thin bar each, the worst one marked. */
function LagChart({ lag, nowUs }: { lag: readonly LagSecond[]; nowUs: number }) {
  const newest = Math.max(nowUs, lag.at(-1)?.ts ?? 0)
  const seen = lag.filter((one) => newest - one.ts <= WINDOW_S * 1e6)
  const worst = seen.reduce<LagSecond | null>((top, one) => (top && top.worst_ms >= one.worst_ms ? top : one), null)
  if (!worst) return <Empty title="Measuring">The first seconds of the loop's lag appear here in a moment.</Empty>
  const top = topOf(worst.worst_ms)
  const x = (one: LagSecond) => WINDOW_S - (newest - one.ts) / 1e6
  const height = (one: LagSecond) => Math.max(0.8, (one.worst_ms / top) * HEIGHT)
  const label = `Lag of the desk's event loop in the last five minutes, at worst ${duration(worst.worst_ms)} at ${clockTime(worst.ts)}`
  return (
    <figure className="lag-chart">
      <figcaption>
        <span>
          Lag of the event loop by second <span className="faint">lower is better</span>
        </span>
        <span data-testid="worst-lag">
          worst <b>{duration(worst.worst_ms)}</b> <span className="faint">at {clockTime(worst.ts)}</span>
        </span>
      </figcaption>
      <div className="lag-plot">
        <div className="lag-axis" aria-hidden="true">
          <span>{duration(top)}</span>
          <span>{duration(top / 2)}</span>
          <span>0</span>
        </div>
        <svg viewBox={`0 0 ${WINDOW_S} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
          {[0, HEIGHT / 2].map((y) => (
            <line key={y} x1="0" x2={WINDOW_S} y1={y + 0.5} y2={y + 0.5} className="lag-line" />
          ))}
          {seen.map((one) => (
            <rect key={one.ts} x={x(one) - 0.85} width="0.85" y={HEIGHT - height(one)} height={height(one)} className={one === worst ? 'is-worst' : one.worst_ms >= 250 ? 'is-high' : ''} />
          ))}
        </svg>
      </div>
      <div className="lag-times" aria-hidden="true">
        <span>5 min ago</span>
        <span>now</span>
      </div>
    </figure>
  )
}

function Memory({ health }: { health: StreamHealth }) {
  const { word, tone, means } = MEMORY[health.memory_state]
  const share = health.memory_limit_mb > 0 ? (100 * health.memory_mb) / health.memory_limit_mb : 0
  return (
    <div className="health-memory" data-state={health.memory_state}>
      <div className="health-row">
        <span>
          Memory <b>{fixed(health.memory_mb, 0)} MB</b> <span className="faint">of {fixed(health.memory_limit_mb, 0)} MB, {fixed(share, share < 10 ? 1 : 0)} %</span>
        </span>
        <Chip tone={tone}>{word}</Chip>
      </div>
      <Meter value={share} tone={tone} label={`Memory of the desk, ${fixed(share, 0)} percent of its limit`} />
      <p className="small dim">{means}</p>
    </div>
  )
}

function Closes({ closes }: { closes: readonly CloseCount[] }) {
  if (closes.length === 0) return <p className="small dim">No connection has ended since the desk started.</p>
  const most = Math.max(...closes.map((one) => one.count))
  return (
    <ul className="close-causes">
      {[...closes]
        .sort((a, b) => b.count - a.count)
        .map((one) => (
          <li key={`${one.closed_by} ${one.code}`} title={`${codeName(one.code)}, closed by ${CLOSER[one.closed_by].word}`}>
            <span>{closeWords(one.code, one.closed_by)}</span>
            <b>{fixed(one.count, 0)}</b>
            <span className={`cause-bar tone-${CLOSER[one.closed_by].tone}`} aria-hidden="true">
              <span style={{ transform: `scaleX(${one.count / most})` }} />
            </span>
          </li>
        ))}
    </ul>
  )
}

/** How the stream's server is doing: its loop, its memory, and why connections ended. */
export function StreamHealthPanel({ health, live }: { health: StreamHealth | null; live: number }) {
  const now = useServerNow()
  if (!health) {
    return (
      <Panel title="The desk's stream" testId="panel-stream-health">
        <Empty title="Asking the desk">This takes a moment.</Empty>
      </Panel>
    )
  }
  return (
    <Panel title="The desk's stream" testId="panel-stream-health" note={`${counted(live, 'connection')} now`} isPadded>
      <div className="health">
        <LagChart lag={health.lag} nowUs={now} />
        <div className="health-side">
          <Memory health={health} />
          <dl className="figures">
            <Figure name="Opened since the start">{fixed(health.opened, 0)}</Figure>
            <Figure name="Turned away">{fixed(health.refused, 0)}</Figure>
            <Figure name="Waiting to be sent">{health.queue_messages === 0 ? 'nothing' : `${counted(health.queue_messages, 'message')}, ${bytes(health.queue_bytes)}`}</Figure>
            <Figure name="Worst lag since the start">{duration(health.worst_lag_ms)}</Figure>
          </dl>
        </div>
        <div className="health-closes">
          <h3>Why connections ended</h3>
          <Closes closes={health.closes} />
        </div>
      </div>
    </Panel>
  )
}
