import { TRIGGER_WORDS } from '../stores'
import { Missing, price, type Column } from '../ui'
import type { InstanceTransitioned } from '../wire/generated'
import { At, InstrumentName, SectionChip, StateChip } from './cells'
import { FactsPanel } from './facts'
import { Trace } from './trace'

const COLUMNS: readonly Column<InstanceTransitioned>[] = [
  { id: 'at', title: 'Time', width: '108px', cell: (row) => <At us={row.ts} /> },
  { id: 'instrument', title: 'Symbol', width: '128px', cell: (row) => <InstrumentName id={row.instrument} /> },
  { id: 'from', title: 'From', width: '138px', hide: 'l', cell: (row) => <StateChip state={row.from_state} /> },
  { id: 'to', title: 'To', width: '138px', cell: (row) => <StateChip state={row.to_state} /> },
  { id: 'trigger', title: 'By', width: '98px', hide: 's', cell: (row) => (row.section ? <SectionChip section={row.section} /> : TRIGGER_WORDS[row.trigger]) },
  { id: 'price', title: 'Price', width: '92px', align: 'right', hide: 'l', cell: (row) => (row.price === null ? <Missing reason="no price then" /> : price(row.price)) },
  { id: 'reason', title: 'Reason', cell: (row) => <span className="wrap-2 small" title={row.reason}>{row.reason}</span> },
]

export function TransitionDetail({ row }: { row: InstanceTransitioned }) {
  return (
    <div className="fact-detail">
      <p>
        <b>{row.strategy}</b> — {row.reason} <span className="faint">by {TRIGGER_WORDS[row.trigger]}, fact {row.seq}, caused by entry {row.entry_seq}</span>
      </p>
      <Trace readings={row.trace} ts={row.ts} />
    </div>
  )
}

export function TransitionsPanel() {
  return (
    <FactsPanel
      topic="transitions"
      title="Transitions"
      testId="panel-transitions"
      columns={COLUMNS}
      detail={(row) => <TransitionDetail row={row} />}
      emptyTitle="No transition yet"
      emptyText="Every instance is where it began. A transition appears here with its cause and every condition evaluated for it."
    />
  )
}
