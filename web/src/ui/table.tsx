import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useRef, useState, type ReactNode } from 'react'

export interface Column<T> {
  id: string
  title: string
  /** What the title means, as a tooltip. */
  hint?: string
  width?: string
  align?: 'right'
  /** Leaves out the column in panels narrower than small, medium, large, extra large. */
  hide?: 's' | 'n' | 'm' | 'l' | 'x'
  cell: (row: T) => ReactNode
}

interface TableProps<T> {
  label: string
  rows: readonly T[]
  columns: readonly Column<T>[]
  keyOf: (row: T) => string
  chosen?: string | null
  onChoose?: (row: T) => void
  /** What unfolds beneath a row. */
  detail?: (row: T) => ReactNode
}

const ROW_PX = 35
const WITHOUT_VIRTUAL = 40

function cellClass(column: Column<never>): string {
  return `${column.align === 'right' ? 'is-right' : ''} ${column.hide ? `hide-${column.hide}` : ''}`
}

/** A table of live rows: only rows whose value changed are drawn again, and only those in view exist. */
export function DataTable<T>({ label, rows, columns, keyOf, chosen, onChoose, detail }: TableProps<T>) {
  const [open, setOpen] = useState<string | null>(null)
  const body = useRef<HTMLTableElement>(null)
  const isVirtual = rows.length > WITHOUT_VIRTUAL
  const toggle = (key: string) => setOpen((now) => (now === key ? null : key))
  const renderRow = (row: T, index: number, measure?: (node: Element | null) => void) => {
    const key = keyOf(row)
    const shared = { row, columns, rowKey: key, index, isChosen: key === chosen, onChoose, isOpen: key === open }
    return <Row key={key} {...shared} measure={measure} detail={detail} onToggle={detail ? toggle : undefined} />
  }
  return (
    <table className="grid-table" aria-label={label} ref={body}>
      <Head columns={columns} />
      {isVirtual ? (
        <VirtualRows table={body} rows={rows} keyOf={keyOf} renderRow={renderRow} />
      ) : (
        rows.map((row, index) => renderRow(row, index))
      )}
    </table>
  )
}

function Head<T>({ columns }: { columns: readonly Column<T>[] }) {
  return (
    <thead>
      <tr>
        {columns.map((column) => (
          <th key={column.id} scope="col" data-col={column.id} title={column.hint} className={cellClass(column as Column<never>)} style={{ width: column.width }}>
            {column.title}
          </th>
        ))}
      </tr>
    </thead>
  )
}

interface VirtualProps<T> {
  table: React.RefObject<HTMLTableElement | null>
  rows: readonly T[]
  keyOf: (row: T) => string
  renderRow: (row: T, index: number, measure: (node: Element | null) => void) => ReactNode
}

function VirtualRows<T>({ table, rows, keyOf, renderRow }: VirtualProps<T>) {
  const [scroller, setScroller] = useState<HTMLElement | null>(null)
  useEffect(() => setScroller(table.current?.closest<HTMLElement>('.panel-body') ?? null), [table])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => keyOf(rows[index] as T),
    overscan: 10,
  })
  const items = virtual.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <>
      <Spacer height={before} />
      {items.map((item) => renderRow(rows[item.index] as T, item.index, virtual.measureElement))}
      <Spacer height={after} />
    </>
  )
}

function Spacer({ height }: { height: number }) {
  if (height <= 0) return null
  return (
    <tbody className="spacer" aria-hidden="true">
      <tr style={{ height }}>
        <td />
      </tr>
    </tbody>
  )
}

/** Spanning a column that a narrow panel leaves out would bring it back, empty. */
function spanShownColumns(cell: HTMLTableCellElement | null): void {
  const heads = cell?.closest('table')?.tHead?.rows[0]?.cells
  if (cell && heads) cell.colSpan = [...heads].filter((head) => head.offsetWidth > 0).length
}

interface RowProps<T> {
  row: T
  columns: readonly Column<T>[]
  rowKey: string
  index: number
  isChosen: boolean
  isOpen: boolean
  onChoose: ((row: T) => void) | undefined
  onToggle: ((key: string) => void) | undefined
  detail: ((row: T) => ReactNode) | undefined
  measure: ((node: Element | null) => void) | undefined
}

function RowView<T>({ row, columns, rowKey, index, isChosen, isOpen, onChoose, onToggle, detail, measure }: RowProps<T>) {
  const act = onChoose ? () => onChoose(row) : onToggle ? () => onToggle(rowKey) : undefined
  const className = `${act ? 'is-choosable' : ''} ${isChosen ? 'is-chosen' : ''}`
  return (
    <tbody className={className} data-testid="row" data-key={rowKey} data-index={index} ref={measure}>
      <tr onClick={act}>
        {columns.map((column, i) => (
          <td key={column.id} className={cellClass(column as Column<never>)}>
            {i === 0 && act ? (
              <RowButton isOpen={detail ? isOpen : null} isChosen={onChoose ? isChosen : null}>
                {column.cell(row)}
              </RowButton>
            ) : (
              column.cell(row)
            )}
          </td>
        ))}
      </tr>
      {isOpen && detail && (
        <tr>
          <td className="detail" ref={spanShownColumns}>
            {detail(row)}
          </td>
        </tr>
      )}
    </tbody>
  )
}

/** The keyboard's way to a row: its click is the row's own. */
function RowButton({ isOpen, isChosen, children }: { isOpen: boolean | null; isChosen: boolean | null; children: ReactNode }) {
  return (
    <button type="button" className="row-button" aria-expanded={isOpen ?? undefined} aria-pressed={isChosen ?? undefined}>
      {isOpen !== null && (
        <svg className={`twist ${isOpen ? 'is-open' : ''}`} width="8" height="8" viewBox="0 0 8 8" aria-hidden="true">
          <path d="M2 0.5 6.5 4 2 7.5z" fill="currentColor" />
        </svg>
      )}
      <span>{children}</span>
    </button>
  )
}

const DRAWN = ['row', 'columns', 'rowKey', 'index', 'isChosen', 'isOpen'] as const

// What a row does depends on its key alone, so new handlers are no reason to draw it again.
const Row = memo(RowView, (before, after) => DRAWN.every((name) => before[name] === after[name])) as typeof RowView
