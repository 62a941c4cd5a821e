import { useEquity, useIsFinal, useLastKnownS, useLatest, useNaming, useOffline, useServerNow, useSummary, STATES, type StateCode } from '../stores'
import { Chip, clockTime, computed, counted, Delta, directionOf, exact, fixed, Missing, percent, signed, signedPercent, span } from '../ui'
import type { EquityView, InstanceView, OpenPosition, SessionView } from '../wire/generated'
import { AgeOf, InstrumentName, Pnl } from './cells'
import { SessionActions } from './hero_actions'
import { CloseButton } from './positions'
import { LIFECYCLE_TONE, STATE_TONE } from './tones'

/** How many instances stand in each state, as the stations of a line. */
function Rail({ rows }: { rows: readonly InstanceView[] }) {
  const naming = useNaming()
  const counts = new Map<StateCode, number>()
  for (const row of rows) counts.set(row.state, (counts.get(row.state) ?? 0) + 1)
  const stations = STATES.filter((state) => state !== 'ERROR' || counts.has('ERROR'))
  return (
    <ol className="rail" aria-label="Instances by state">
      {stations.map((state) => {
        const count = counts.get(state) ?? 0
        return (
          <li key={state} className={`station tone-${STATE_TONE[state]} ${count > 0 ? 'is-lit' : ''}`} data-state={state} data-count={count}>
            <span className="station-hole">{count > 0 ? count : ''}</span>
            <span className="station-word"><CodeText text={naming.state(state)} /></span>
            <span className="visually-hidden">{counted(count, 'instance')}</span>
          </li>
        )
      })}
    </ol>
  )
}

/** A code that may break where its words meet. */
function CodeText({ text }: { text: string }) {
  return text.split('_').map((part, i) => (
    <span key={part}>
      {i > 0 && '_'}
      {i > 0 && <wbr />}
      {part}
    </span>
  ))
}

function Elapsed({ session }: { session: SessionView }) {
  const now = useServerNow()
  const lastKnownS = useLastKnownS() ?? 0
  const isOffline = useOffline() !== null
  if (session.started_ts === null) return <Missing reason="not started" />
  const isOver = session.state === 'stopped' || session.state === 'failed'
  const until = isOver ? session.updated_ts : isOffline ? now - lastKnownS * 1e6 : now
  return <span>{span((until - session.started_ts) / 1e6)}</span>
}

function Money({ session, equity }: { session: SessionView; equity: EquityView | null }) {
  const capital = Number(equity?.initial_capital ?? session.capital)
  const worth = equity?.equity ?? session.equity
  const pnl = worth === null ? null : Number(worth) - capital
  return (
    <div className="money">
      <div className="money-main">
        <span className="label">Equity</span>
        <span className="equity" data-testid="equity">
          {worth === null ? <Missing reason="no account yet" /> : fixed(Number(worth), 2)} <small>{session.currency}</small>
        </span>
      </div>
      <div className="money-main">
        <span className="label">P&amp;L</span>
        <span className="pnl" data-testid="pnl">
          {pnl === null ? <Missing reason="no account yet" /> : <Delta direction={directionOf(Number(pnl.toFixed(2)))}>{signed(pnl, 2)}</Delta>}
          {pnl !== null && capital > 0 && <small className="dim">{signedPercent((pnl / capital) * 100)}</small>}
        </span>
      </div>
      {equity && <MoneyDetail equity={equity} />}
    </div>
  )
}

function MoneyDetail({ equity }: { equity: EquityView }) {
  return (
    <dl className="money-detail">
      <dt>Open</dt>
      <dd><Pnl amount={equity.unrealized_pnl} /></dd>
      <dt>Realised</dt>
      <dd><Pnl amount={equity.realized_pnl} /></dd>
      <dt>Fees</dt>
      <dd>{fixed(Number(equity.fees), 2)}</dd>
      <dt>Drawdown</dt>
      <dd>{percent(Math.abs(equity.drawdown_pct))}</dd>
    </dl>
  )
}

function OpenPositions({ positions }: { positions: readonly OpenPosition[] }) {
  if (positions.length === 0) return null
  return (
    <ul className="open-positions" aria-label="Open positions">
      {positions.map((position) => (
        <li key={position.position_id}>
          <Chip tone={position.side === 'long' ? 'teal' : 'red'}>{position.side}</Chip>
          <b><InstrumentName id={position.instrument} /></b>
          <span className="dim">{exact(position.quantity)} at <span title={exact(position.entry_price)}>{computed(position.entry_price)}</span></span>
          <span className="open-pnl"><Pnl amount={position.unrealized_pnl} /></span>
          <CloseButton position={position} />
        </li>
      ))}
    </ul>
  )
}

function Identity({ session }: { session: SessionView }) {
  const newest = useLatest('watchlist').rows.reduce<number | null>((max, row) => (row.recv_ts !== null && row.recv_ts > (max ?? 0) ? row.recv_ts : max), null)
  const isFinal = useIsFinal()
  return (
    <div className="identity">
      <Chip tone={LIFECYCLE_TONE[session.state]} state={session.state} hasDot>{session.state}</Chip>
      <Chip tone="amber">{session.mode}</Chip>
      {session.is_degraded && <Chip tone="red">degraded</Chip>}
      {session.entries_paused && <Chip tone="amber">entries paused</Chip>}
      <span className="dim hide-phone">on {session.feed}</span>
      <span className="dim">{isFinal ? 'ran' : 'running'} for <Elapsed session={session} /></span>
      {isFinal ? <span className="dim">final, as of <b>{clockTime(session.updated_ts)}</b></span> : <span className="dim">newest data <AgeOf us={newest} absent="none yet" /></span>}
      <span className="mono faint session-id hide-phone">{session.session_id}</span>
    </div>
  )
}

/** The session in a sentence; while nothing arrives, how old that sentence is stands above it. */
function Headline({ text }: { text: string }) {
  const isOffline = useOffline() !== null
  const lastKnownS = useLastKnownS()
  if (!isOffline) return <h1>{text}</h1>
  return (
    <>
      <h1 className="hero-lost">
        Connection lost; last known {lastKnownS === null ? 'never' : `${span(lastKnownS)} ago`}
      </h1>
      <p className="hero-last">{text}</p>
    </>
  )
}

/** What is happening now, and why not more: to be understood within two seconds. */
export function StatusHero() {
  const session = useSummary()
  const equity = useEquity()
  const { rows } = useLatest('instances')
  if (!session) {
    return (
      <section className="hero" data-testid="status-hero" aria-label="Session">
        <div className="hero-words"><h1>Waiting for the session</h1><p className="dim">The stream has not delivered it yet. If this stays, look at the connection badge above.</p></div>
      </section>
    )
  }
  return (
    <section className={`hero is-${session.state}`} data-testid="status-hero" data-state={session.state} data-session={session.session_id} aria-label="Session">
      <div className="hero-words">
        <Identity session={session} />
        <Headline text={session.headline || session.reason} />
        {session.degraded_reason && <p className="hero-trouble">{session.degraded_reason}</p>}
        {session.mode !== 'RECORD' && <Rail rows={rows} />}
      </div>
      {session.mode !== 'RECORD' && <Money session={session} equity={equity} />}
      <SessionActions session={session} openPositions={equity?.open_positions.length ?? 0} />
      <OpenPositions positions={equity?.open_positions ?? []} />
    </section>
  )
}

/** Shown wherever the market is not a real one. */
export function SimulatedBanner({ session }: { session: SessionView | null }) {
  if (!session?.is_simulated_feed) return null
  return (
    <div className="simulated" role="note" data-testid="simulated-banner">
      <b>SIMULATED</b> <span>{session.feed_note?.replace(/^SIMULATED\s*/, '') ?? 'This market is generated by papertape; no price here is real.'}</span>
    </div>
  )
}
