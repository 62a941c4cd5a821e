import { useMemo, useState } from 'react'
import { byUrgency, STATES, TRIGGER_WORDS, useIsFinal, useLatest, useNaming, useSelection, useSession, type StateCode } from '../stores'
import { counted, DataTable, Empty, Meter, Missing, Panel, span, type Column } from '../ui'
import type { InstanceView } from '../wire/generated'
import { InstrumentName, SectionChip, StateChip } from './cells'
import { useChosen } from './chosen'
import { SECTION_TONE, STATE_TONE } from './tones'
import { Comparison } from './trace'

function Blocking({ row }: { row: InstanceView }) {
  if (!row.is_active) return <Missing reason={row.reason} />
  if (row.blocking === null) return <Missing reason={row.reason || 'nothing blocks'} />
  return (
    <span className="stack" title={`${row.blocking.label}. ${row.reason}`}>
      <Comparison reading={row.blocking} arrow="→ " />
      <span>{row.blocking.label}</span>
    </span>
  )
}

function Next({ row }: { row: InstanceView }) {
  if (row.next_section === null) return <Missing reason="no section is next" />
  return (
    <span className="next">
      <SectionChip section={row.next_section} />
      <Meter value={row.progress} tone={SECTION_TONE[row.next_section]} label={`Progress to ${row.next_section}`} />
      <span className="next-share">{Math.round(row.progress)} %</span>
    </span>
  )
}

function LastChange({ row }: { row: InstanceView }) {
  const last = row.last_transition
  if (!last) return <Missing reason="no transition yet" />
  return (
    <span className="stack" title={last.reason}>
      <span>{last.reason}</span>
      <span>
        by {TRIGGER_WORDS[last.trigger as keyof typeof TRIGGER_WORDS]}, {span(Math.max(0, (row.ts - last.ts) / 1e6))} ago
      </span>
    </span>
  )
}

const COLUMNS: readonly Column<InstanceView>[] = [
  {
    id: 'instance',
    title: 'Instance',
    width: '144px',
    cell: (row) => (
      <span className="stack">
        <InstrumentName id={row.instrument} />
        <span title={row.strategy}>{row.strategy}</span>
      </span>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: '134px',
    cell: (row) => (
      <span className="stack">
        <StateChip state={row.state} />
        <span>for {span((row.ts - row.since) / 1e6)}</span>
      </span>
    ),
  },
  { id: 'next', title: 'Next', width: '172px', hide: 'm', cell: (row) => <Next row={row} /> },
  { id: 'blocking', title: 'Blocks first', cell: (row) => <Blocking row={row} /> },
  { id: 'last', title: 'Last transition', width: '23%', hide: 's', cell: (row) => <LastChange row={row} /> },
]

/** Of an ended session nothing is next and nothing blocks any more. */
const FINAL_COLUMNS: readonly Column<InstanceView>[] = COLUMNS.filter((column) => column.id !== 'next').map((column) => (column.id === 'blocking' ? { ...column, title: 'Was missing' } : column))

/** Says whether the shown instance is the trader's choice, and gives it back. */
function Following() {
  const { sessionId } = useSession()
  const isChosen = useSelection((now) => now.instances[sessionId] !== undefined)
  const release = useSelection((now) => now.release)
  if (!isChosen) return <span className="faint small">shows the most urgent</span>
  return (
    <button type="button" className="quiet-button" title="You chose the instance that is shown. Press to show the most urgent one again." onClick={() => release(sessionId)}>
      Chosen by you ✕
    </button>
  )
}

/** How many instances stand in each state, and a way to see only those. */
function StateFilter({ rows, state, onChange }: { rows: readonly InstanceView[]; state: StateCode | null; onChange: (state: StateCode | null) => void }) {
  const naming = useNaming()
  const present = STATES.filter((one) => rows.some((row) => row.state === one))
  if (present.length < 2) return null
  return (
    <div className="segments" role="group" aria-label="Show only one state">
      {present.map((one) => (
        <button key={one} type="button" className="quiet-button" aria-pressed={one === state} onClick={() => onChange(one === state ? null : one)}>
          <span className={`badge-dot tone-${STATE_TONE[one]}`} />
          {naming.state(one)} {rows.filter((row) => row.state === one).length}
        </button>
      ))}
    </div>
  )
}

export function MachinesPanel() {
  const { isLoaded, rows } = useLatest('instances')
  const { sessionId } = useSession()
  const chosen = useChosen()
  const isFinal = useIsFinal()
  const choose = useSelection((now) => now.choose)
  const [state, setState] = useState<StateCode | null>(null)
  const [text, setText] = useState('')
  const shown = useMemo(() => {
    const words = text.toLowerCase()
    return rows.filter((row) => (!state || row.state === state) && row.key.toLowerCase().includes(words)).sort(byUrgency)
  }, [rows, state, text])
  const tools = (
    <>
      {rows.length > 1 && <Following />}
      <StateFilter rows={rows} state={state} onChange={setState} />
      {rows.length > 6 && <input className="quiet-input" aria-label="Filter instances" placeholder="Filter" value={text} onChange={(event) => setText(event.target.value)} />}
    </>
  )
  return (
    <Panel title="State Machine Overview" testId="panel-state-machines" note={isLoaded ? counted(rows.length, 'instance') : 'loading'} tools={tools}>
      {shown.length > 0 ? (
        <DataTable label="State machines" rows={shown} columns={isFinal ? FINAL_COLUMNS : COLUMNS} keyOf={(row) => row.key} chosen={chosen?.key ?? null} onChoose={(row) => choose(sessionId, row.key)} />
      ) : (
        <NoInstances isLoaded={isLoaded} isFiltered={rows.length > 0} />
      )}
    </Panel>
  )
}

function NoInstances({ isLoaded, isFiltered }: { isLoaded: boolean; isFiltered: boolean }) {
  if (!isLoaded) return <Empty title="Waiting for the first snapshot">The stream has not delivered the instances yet.</Empty>
  if (isFiltered) return <Empty title="No instance matches">Clear the filter to see all of them.</Empty>
  return <Empty title="This session has no instance">A session has one per strategy × symbol from its first moment. Look at the pre-flight checks, then start it again.</Empty>
}
