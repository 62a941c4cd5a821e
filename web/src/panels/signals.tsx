import { Chip, Missing, price, type Column } from '../ui'
import type { SignalFired } from '../wire/generated'
import { At, InstrumentName, SectionChip } from './cells'
import { FactsPanel } from './facts'
import { Trace } from './trace'

const COLUMNS: readonly Column<SignalFired>[] = [
  { id: 'at', title: 'Time', width: '96px', cell: (row) => <At us={row.ts} /> },
  { id: 'section', title: 'Section', width: '98px', cell: (row) => <SectionChip section={row.section} /> },
  { id: 'instrument', title: 'Symbol', width: '128px', cell: (row) => <InstrumentName id={row.instrument} /> },
  { id: 'side', title: 'Side', width: '66px', hide: 's', cell: (row) => row.side ?? <Missing reason="no order" /> },
  { id: 'price', title: 'Price', width: '92px', align: 'right', hide: 'm', cell: (row) => (row.price === null ? <Missing reason="no price then" /> : price(row.price)) },
  {
    id: 'outcome',
    title: 'Outcome',
    width: '100px',
    cell: (row) => (
      <Chip tone={row.outcome === 'accepted' ? 'teal' : 'amber'} title={row.outcome}>
        {row.outcome}
      </Chip>
    ),
  },
  { id: 'reason', title: 'Reason', hide: 's', cell: (row) => <span title={row.reason}>{row.reason}</span> },
]

function Detail({ row }: { row: SignalFired }) {
  return (
    <div className="fact-detail">
      <p>
        <b>{row.strategy}</b> — {row.reason} <span className="faint">fact {row.seq}, caused by entry {row.entry_seq}</span>
      </p>
      <Trace readings={row.trace} />
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
