import { attempt, command } from '../stores'
import { Dialog } from '../ui/dialog'
import type { SessionView } from '../wire/generated'

interface StopDialogProps {
  session: SessionView
  openPositions: number
  onClose: () => void
}

/** Asks what becomes of the open positions; this is where stopping destroys. */
export function StopDialog({ session, openPositions, onClose }: StopDialogProps) {
  const stop = (closePositions: boolean) => {
    onClose()
    void attempt('Stopping the session', () => command.stop(session.session_id, closePositions))
  }
  const what = openPositions === 0 ? 'No position is open.' : openPositions === 1 ? 'One position is open.' : `${openPositions} positions are open.`
  return (
    <Dialog onClose={onClose} title="Stop this session" centered>
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
    </Dialog>
  )
}
