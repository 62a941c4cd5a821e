import { Modal } from '@mantine/core'
import { useEffect, useState } from 'react'
import { attempt, command } from '../stores'
import { ArmedButton, Icon } from '../ui'
import type { SessionView } from '../wire/generated'

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
  const isLive = session.state === 'running' || session.state === 'starting'
  const canStop = isLive || session.state === 'stopping' || session.state === 'suspended'
  const emergency = () => void attempt('The emergency stop', () => command.emergencyStop(id))
  useDoubleEscape(canStop, emergency)
  if (!canStop) return <div className="actions"><span className="dim">{session.reason}</span></div>
  return (
    <div className="actions">
      <PauseButton session={session} />
      <button type="button" className="act" data-testid="stop-session" disabled={!isLive && session.state !== 'suspended'} onClick={() => setStopping(true)}>
        <Icon name="stop" /> Stop…
      </button>
      <ArmedButton className="is-danger" testId="emergency-stop" confirm="Press again: close all, stop" onFire={emergency}>
        <Icon name="bolt" /> Emergency stop <kbd>Esc Esc</kbd>
      </ArmedButton>
      <StopDialog session={session} openPositions={openPositions} isOpen={isStopping} onClose={() => setStopping(false)} />
    </div>
  )
}

function PauseButton({ session }: { session: SessionView }) {
  const id = session.session_id
  if (session.state === 'suspended' || session.entries_paused) {
    return (
      <button type="button" className="act" data-testid="resume-entries" onClick={() => void attempt('Resuming', () => command.resume(id))}>
        <Icon name="play" /> Resume entries
      </button>
    )
  }
  return (
    <button type="button" className="act" data-testid="pause-entries" onClick={() => void attempt('Pausing entries', () => command.pauseEntries(id))}>
      <Icon name="pause" /> Pause entries
    </button>
  )
}

interface StopDialogProps {
  session: SessionView
  openPositions: number
  isOpen: boolean
  onClose: () => void
}

function StopDialog({ session, openPositions, isOpen, onClose }: StopDialogProps) {
  const stop = (closePositions: boolean) => {
    onClose()
    void attempt('Stopping the session', () => command.stop(session.session_id, closePositions))
  }
  const what = openPositions === 0 ? 'No position is open.' : openPositions === 1 ? 'One position is open.' : `${openPositions} positions are open.`
  return (
    <Modal opened={isOpen} onClose={onClose} title="Stop this session" centered lockScroll={false}>
      <p className="dialog-text">{what} Working entry orders are cancelled either way, and a stopped session cannot be started again.</p>
      <div className="dialog-actions">
        <button type="button" className="act is-primary" data-testid="stop-close" data-autofocus onClick={() => stop(true)}>
          {openPositions > 0 ? 'Close positions and stop' : 'Stop'}
        </button>
        {openPositions > 0 && (
          <button type="button" className="act" data-testid="stop-leave" onClick={() => stop(false)}>
            Leave positions open and stop
          </button>
        )}
        <button type="button" className="act" onClick={onClose}>
          Go on trading
        </button>
      </div>
    </Modal>
  )
}
