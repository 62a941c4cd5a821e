import { useMemo } from 'react'
import { useLatest } from '../stores'
import { DataTable, Delta, Empty, Meter, Missing, Panel, significant, Sparkline, type Column } from '../ui'
import type { IndicatorView } from '../wire/generated'
import { AgeOf, InstrumentName } from './cells'
import { useChosen } from './chosen'

function Value({ row }: { row: IndicatorView }) {
  if (row.value === null) return <Missing reason={row.reason ?? 'no value and no reason from the engine'} />
  return (
    <Delta direction={row.trend}>
      <b className="last is-plain">{significant(row.value)}</b>
      {row.unit && <span className="dim light">{row.unit}</span>}
    </Delta>
  )
}

function Warmup({ row }: { row: IndicatorView }) {
  const isWarm = row.warmup_need <= 0 || row.warmup_have >= row.warmup_need
  if (isWarm) return <span className="faint">warm</span>
  const text = `${significant(row.warmup_have)} / ${significant(row.warmup_need)} ${row.warmup_unit}`
  return (
    <span className="next" title={text}>
      <Meter value={(row.warmup_have / row.warmup_need) * 100} tone="blue" label={`Warm-up ${text}`} />
      <span className="dim">{Math.round((row.warmup_have / row.warmup_need) * 100)} %</span>
    </span>
  )
}

const COLUMNS: readonly Column<IndicatorView>[] = [
  {
    id: 'name',
    title: 'Indicator',
    cell: (row) => (
      <span className="wrap-2" title={`${row.meaning} (${row.kind}${row.params ? `: ${row.params}` : ''})`}>
        <span className="medium">{row.name}</span>
      </span>
    ),
  },
  { id: 'value', title: 'Value', width: '27%', cell: (row) => <Value row={row} /> },
  { id: 'spark', title: 'Recent', width: '88px', hide: 's', cell: (row) => <Sparkline values={row.sparkline} label={row.name} /> },
  { id: 'warmup', title: 'Warm-up', width: '74px', hide: 'm', cell: (row) => <Warmup row={row} /> },
  { id: 'age', title: 'Age', width: '66px', align: 'right', cell: (row) => <AgeOf us={row.recv_ts} absent={row.reason ?? 'never'} /> },
]

export function IndicatorsPanel() {
  const { isLoaded, rows } = useLatest('indicators')
  const chosen = useChosen()
  const shown = useMemo(() => rows.filter((row) => row.strategy === chosen?.strategy && row.instrument === chosen.instrument), [rows, chosen?.strategy, chosen?.instrument])
  const note = chosen ? (
    <>
      <InstrumentName id={chosen.instrument} /> · {chosen.strategy}
    </>
  ) : undefined
  return (
    <Panel title="Indicator Values" testId="panel-indicators" note={note}>
      {shown.length > 0 ? (
        <DataTable label="Indicators" rows={shown} columns={COLUMNS} keyOf={(row) => row.key} />
      ) : isLoaded ? (
        <Empty title="No indicator for this instance">{rows.length > 0 ? 'Choose another instance in the State Machine Overview.' : 'The strategy of this session declares none, or the engine has not started: see the pipeline.'}</Empty>
      ) : (
        <Empty title="Waiting for the first snapshot">The stream has not delivered the indicators yet.</Empty>
      )}
    </Panel>
  )
}
