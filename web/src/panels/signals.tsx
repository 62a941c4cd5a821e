import { Missing, price, type Column } from '../ui'
import type { SignalFired } from '../wire/generated'
import { At, InstrumentName, SectionChip } from './cells'
import { FactsPanel } from './facts'
import { outcomeWords } from './outcomes'
import { Trace } from './trace'

const COLUMNS: readonly Column<SignalFired>[] = [
  { id: 'at', title: 'Time', width: '108px', cell: (row) => <At us={row.ts} /> },
  { id: 'section', title: 'Section', width: '98px', cell: (row) => <SectionChip section={row.section} /> },
  { id: 'instrument', title: 'Symbol', width: '128px', cell: (row) => <InstrumentName id={row.instrument} /> },
  { id: 'side', title: 'Side', width: '52px', hide: 'n', cell: (row) => row.side ?? <Missing reason="no order" /> },
  { id: 'price', title: 'Price', width: '86px', align: 'right', hide: 'l', cell: (row) => (row.price === null ? <Missing reason="no price then" /> : price(row.price)) },
  {
    id: 'outcome',
    title: 'Outcome',
    width: '17%',
    cell: (row) => (
      <span className={`wrap-2 ${row.outcome === 'accepted' ? 'is-up' : 'is-warn'}`} title={`${outcomeWords(row.outcome, row.reason)} (${row.outcome})`}>
        {outcomeWords(row.outcome, row.reason)}
      </span>
    ),
  },
  { id: 'reason', title: 'Reason', hide: 's', cell: (row) => <span className="wrap-2 small" title={row.reason}>{row.reason}</span> },
]

function Detail({ row }: { row: SignalFired }) {
  return (
    <div className="fact-detail">
      <p>
        <b>{row.strategy}</b> — {row.reason} <span className="faint">fact {row.seq}, caused by entry {row.entry_seq}</span>
      </p>
      <Trace readings={row.trace} ts={row.ts} />
    </div>
  )
}

export function SignalsPanel() {
  return (
    <FactsPanel
      topic="signals"
      title="Signals"
      testId="panel-signals"
      columns={COLUMNS}
      detail={(row) => <Detail row={row} />}
      emptyTitle="No signal yet"
      emptyText="A signal is recorded the moment a section's answer becomes true. Condition Progress shows what is still missing."
    />
  )
}
