import { lazy, Suspense, useEffect, useEffectEvent, useState } from 'react'
import { attempt, command, useOffline } from '../stores'
import { ArmedButton, Icon } from '../ui'
import type { SessionView } from '../wire/generated'
import { DOUBLE_MS, DoublePress, isFreeEscape } from './double_press'

const StopDialog = lazy(() => import('./stop_dialog').then((module) => ({ default: module.StopDialog })))

/** Esc, and Esc again: the emergency stop from anywhere but a dialog. Answers whether the first was pressed. */
function useDoubleEscape(isOn: boolean, fire: () => void): boolean {
  const [presses] = useState(() => new DoublePress())
  const [isWaiting, setWaiting] = useState(false)
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (!isOn || !isFreeEscape(event) || document.querySelector('[role="dialog"]')) return
    const isSecond = presses.press(event.timeStamp) === 'second'
    setWaiting(!isSecond)
    if (isSecond) fire()
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKey(event)
    // In the capture phase and from the beginning: a dialog that this Esc closes must still be seen.
    window.addEventListener('keydown', listen, { capture: true })
    return () => window.removeEventListener('keydown', listen, { capture: true })
  }, [])
  useEffect(() => {
    if (!isWaiting) return
    const timer = window.setTimeout(() => setWaiting(false), DOUBLE_MS)
    return () => window.clearTimeout(timer)
  }, [isWaiting])
  return isOn && isWaiting
}

function EscapeHint({ isOffline }: { isOffline: boolean }) {
  return (
    <div className="escape-hint" role="alert" data-testid="escape-hint">
      {isOffline ? 'The connection is lost, so the emergency stop cannot reach the desk.' : 'Press Esc again to stop everything'}
    </div>
  )
}

export function SessionActions({ session, openPositions }: { session: SessionView; openPositions: number }) {
  const [isStopping, setStopping] = useState(false)
  const offline = useOffline()
  const id = session.session_id
  const isTrading = session.mode !== 'RECORD'
  const can = (what: string) => session.allowed.includes(what)
  const emergency = () => void attempt('The emergency stop', () => command.emergencyStop(id))
  const isEscaping = useDoubleEscape(can('emergency-stop'), () => !offline && emergency())
  if (session.allowed.length === 0) return null
  return (
    <div className="actions">
      {isTrading && <PauseButton session={session} offline={offline} />}
      <button type="button" className="act" data-testid="stop-session" disabled={offline !== null || !can('stop')} title={offline ?? undefined} onClick={() => setStopping(true)}>
        <Icon name="stop" /> Stop…
      </button>
      {isTrading && <ArmedButton className="is-danger" testId="emergency-stop" confirm="Press again: close all, stop" disabled={offline !== null || !can('emergency-stop')} title={offline ?? undefined} onFire={emergency}>
        <Icon name="bolt" /> Emergency stop <kbd>Esc Esc</kbd>
      </ArmedButton>}
      {isEscaping && <EscapeHint isOffline={offline !== null} />}
      {isStopping && (
        <Suspense fallback={null}>
          <StopDialog session={session} openPositions={openPositions} onClose={() => setStopping(false)} />
        </Suspense>
      )}
    </div>
  )
}

function PauseButton({ session, offline }: { session: SessionView; offline: string | null }) {
  const id = session.session_id
  const cannot = (what: string) => offline !== null || !session.allowed.includes(what)
  if (session.state === 'suspended' || session.entries_paused) {
    return (
      <button type="button" className="act" data-testid="resume-entries" disabled={cannot('resume')} title={offline ?? undefined} onClick={() => void attempt('Resuming', () => command.resume(id))}>
        <Icon name="play" /> Resume entries
      </button>
    )
  }
  return (
    <button type="button" className="act" data-testid="pause-entries" disabled={cannot('pause-entries')} title={offline ?? undefined} onClick={() => void attempt('Pausing entries', () => command.pauseEntries(id))}>
      <Icon name="pause" /> Pause entries
    </button>
  )
}
