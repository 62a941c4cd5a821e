import { lazy, Suspense, useEffect, useState } from 'react'
import { attempt, command } from '../stores'
import { ArmedButton, Icon } from '../ui'
import type { SessionView } from '../wire/generated'

const StopDialog = lazy(() => import('./stop_dialog').then((module) => ({ default: module.StopDialog })))

const DOUBLE_MS = 700

/** Esc, and Esc again: the emergency stop from anywhere but a dialog. */
function useDoubleEscape(isOn: boolean, fire: () => void): void {
  useEffect(() => {
    if (!isOn) return
    let last = -Infinity
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.repeat || event.defaultPrevented) return
      if (document.querySelector('[role="dialog"], [role="listbox"]')) return
      if (event.timeStamp - last < DOUBLE_MS) fire()
      last = event.timeStamp
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [isOn, fire])
}

export function SessionActions({ session, openPositions }: { session: SessionView; openPositions: number }) {
  const [isStopping, setStopping] = useState(false)
  const id = session.session_id
  const can = (what: string) => session.allowed.includes(what)
  const emergency = () => void attempt('The emergency stop', () => command.emergencyStop(id))
  useDoubleEscape(can('emergency-stop'), emergency)
  if (session.allowed.length === 0) return <div className="actions"><span className="dim">{session.reason}</span></div>
  return (
    <div className="actions">
      <PauseButton session={session} />
      <button type="button" className="act" data-testid="stop-session" disabled={!can('stop')} onClick={() => setStopping(true)}>
        <Icon name="stop" /> Stop…
      </button>
      <ArmedButton className="is-danger" testId="emergency-stop" confirm="Press again: close all, stop" disabled={!can('emergency-stop')} onFire={emergency}>
        <Icon name="bolt" /> Emergency stop <kbd>Esc Esc</kbd>
      </ArmedButton>
      {isStopping && (
        <Suspense fallback={null}>
          <StopDialog session={session} openPositions={openPositions} onClose={() => setStopping(false)} />
        </Suspense>
      )}
    </div>
  )
}

function PauseButton({ session }: { session: SessionView }) {
  const id = session.session_id
  if (session.state === 'suspended' || session.entries_paused) {
    return (
      <button type="button" className="act" data-testid="resume-entries" disabled={!session.allowed.includes('resume')} onClick={() => void attempt('Resuming', () => command.resume(id))}>
        <Icon name="play" /> Resume entries
      </button>
    )
  }
  return (
    <button type="button" className="act" data-testid="pause-entries" disabled={!session.allowed.includes('pause-entries')} onClick={() => void attempt('Pausing entries', () => command.pauseEntries(id))}>
      <Icon name="pause" /> Pause entries
    </button>
  )
}
