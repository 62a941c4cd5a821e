import { useMemo, useState, type ReactNode } from 'react'
import { useFacts, useSession } from '../stores'
import { DataTable, Empty, Icon, Panel, saveAs, toCsv, type Column } from '../ui'
import type { FactRecords, FactTopic } from '../wire/generated'

interface FactsPanelProps<K extends FactTopic> {
  topic: K
  title: string
  testId: string
  columns: readonly Column<FactRecords[K]>[]
  /** One row per key, the newest; without it every fact is a row. */
  newestOf?: (fact: FactRecords[K]) => string
  emptyTitle: string
  emptyText: string
  detail?: (fact: FactRecords[K]) => ReactNode
}

function newestPer<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const seen = new Map<string, T>()
  for (const item of items) if (!seen.has(keyOf(item))) seen.set(keyOf(item), item)
  return [...seen.values()]
}

function matches(fact: object, words: string): boolean {
  return Object.values(fact).some((value) => typeof value === 'string' && value.toLowerCase().includes(words))
}

/** A live table of facts, newest first, with a filter and an export. */
export function FactsPanel<K extends FactTopic>({ topic, title, testId, columns, newestOf, emptyTitle, emptyText, detail }: FactsPanelProps<K>) {
  const { sessionId } = useSession()
  const { isLoaded, items } = useFacts(topic)
  const [filter, setFilter] = useState('')
  const rows = useMemo(() => {
    const all = newestOf ? newestPer(items, newestOf) : items
    return filter ? all.filter((fact) => matches(fact, filter.toLowerCase())) : all
  }, [items, newestOf, filter])
  const tools = items.length > 0 && (
    <>
      <input className="quiet-input" aria-label={`Filter ${title}`} placeholder="Filter" value={filter} onChange={(event) => setFilter(event.target.value)} />
      <button type="button" className="quiet-button" title="Save as CSV" aria-label={`Save ${title} as CSV`} onClick={() => saveAs(`${sessionId}_${topic}.csv`, toCsv(rows as readonly object[]))}>
        <Icon name="download" />
      </button>
    </>
  )
  return (
    <Panel title={title} testId={testId} note={isLoaded ? String(rows.length) : 'loading'} tools={tools || undefined}>
      {rows.length > 0 ? (
        <DataTable label={title} rows={rows} columns={columns} keyOf={(fact) => String(fact.seq)} detail={detail} />
      ) : !isLoaded ? (
        <Empty title="Waiting for the first snapshot">The stream has not delivered this table yet.</Empty>
      ) : items.length > 0 ? (
        <Empty title="Nothing matches the filter">{items.length === 1 ? '1 row is hidden.' : `${items.length} rows are hidden.`}</Empty>
      ) : (
        <Empty title={emptyTitle}>{emptyText}</Empty>
      )}
    </Panel>
  )
}
