import { useState } from 'react'
import { useFacts, useSelection, useSession } from '../stores'
import { Icon } from '../ui'
import type { AlertRaised } from '../wire/generated'
import { At, InstrumentName } from './cells'

const SHOWN = 2

function Alert({ alert }: { alert: AlertRaised }) {
  return (
    <li className={`alert is-${alert.severity}`} data-testid="row" data-key={alert.seq} data-severity={alert.severity}>
      <b className="alert-severity">{alert.severity}</b>
      <span className="alert-text">
        {alert.instrument && <InstrumentName id={alert.instrument} />} {alert.message}
      </span>
      <span className="alert-where">
        {alert.stage} · <At us={alert.ts} />
      </span>
    </li>
  )
}

/** Warnings and worse stay in view until the trader puts them away. */
export function AlertBar() {
  const { sessionId } = useSession()
  const { items } = useFacts('alerts')
  const seen = useSelection((now) => now.dismissedAlerts[sessionId] ?? 0)
  const dismiss = useSelection((now) => now.dismissAlerts)
  const [isOpen, setOpen] = useState(false)
  const waiting = items.filter((alert) => alert.seq > seen && alert.severity !== 'info')
  if (waiting.length === 0) return null
  const shown = isOpen ? waiting : waiting.slice(0, SHOWN)
  return (
    <div className="alerts" role="alert" data-testid="alerts">
      <ul>
        {shown.map((alert) => (
          <Alert key={alert.seq} alert={alert} />
        ))}
      </ul>
      <div className="alerts-tools">
        {waiting.length > SHOWN && (
          <button type="button" className="quiet-button" onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Fewer' : `All ${waiting.length}`}
          </button>
        )}
        <button type="button" className="quiet-button" onClick={() => dismiss(sessionId, waiting[0]?.seq ?? 0)}>
          <Icon name="close" size={12} /> Seen
        </button>
      </div>
    </div>
  )
}
