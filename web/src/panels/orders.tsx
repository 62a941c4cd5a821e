import { Chip, computed, exact, fixed, Missing, type Column, type Tone } from '../ui'
import type { OrderFilled, OrderUpdated } from '../wire/generated'
import { At, Exact, InstrumentName } from './cells'
import { FactsPanel } from './facts'

const STATUS_TONE: Record<OrderUpdated['status'], Tone> = {
  submitted: 'blue',
  accepted: 'blue',
  partially_filled: 'amber',
  filled: 'teal',
  cancelled: 'slate',
  rejected: 'red',
  expired: 'slate',
}

const plain = (text: string) => text.replaceAll('_', ' ')

function Price({ row }: { row: OrderUpdated }) {
  if (row.average_price) return <span title={`average fill price ${exact(row.average_price)}`}>{computed(row.average_price)}</span>
  const asked = row.limit_price ?? row.trigger_price
  return asked ? <span title="asked price, not filled yet">{exact(asked)}</span> : <Missing reason="market" />
}

const byOrder = (row: OrderUpdated) => row.order_id

const ORDER_COLUMNS: readonly Column<OrderUpdated>[] = [
  { id: 'order', title: 'Order', width: '72px', cell: (row) => row.order_id },
  { id: 'at', title: 'Time', width: '76px', hide: 'm', cell: (row) => <At us={row.ts} /> },
  { id: 'instrument', title: 'Symbol', width: '128px', cell: (row) => <InstrumentName id={row.instrument} /> },
  { id: 'what', title: 'What', cell: (row) => <span title={`${row.side} ${plain(row.purpose)}. ${row.reason}`}>{`${row.side} ${plain(row.purpose)}`}</span> },
  { id: 'type', title: 'Type', width: '124px', hide: 'l', cell: (row) => plain(row.order_type) },
  { id: 'quantity', title: 'Filled / quantity', width: '130px', align: 'right', hide: 'm', cell: (row) => `${exact(row.filled_quantity)} / ${exact(row.quantity)}` },
  { id: 'price', title: 'Price', width: '92px', align: 'right', cell: (row) => <Price row={row} /> },
  { id: 'status', title: 'Status', width: '104px', cell: (row) => <Chip tone={STATUS_TONE[row.status]} title={row.reason}>{plain(row.status)}</Chip> },
]

function OrderDetail({ row }: { row: OrderUpdated }) {
  return (
    <div className="fact-detail">
      <p>
        <b>{row.strategy}</b> — {row.reason || 'no reason recorded'} <span className="faint">fact {row.seq}, caused by entry {row.entry_seq}</span>
      </p>
    </div>
  )
}

export function OrdersPanel() {
  return (
    <FactsPanel
      topic="orders"
      title="Orders"
      testId="panel-orders"
      columns={ORDER_COLUMNS}
      newestOf={byOrder}
      detail={(row) => <OrderDetail row={row} />}
      emptyTitle="No order yet"
      emptyText="Orders go to the simulated venue when an entry section is true and nothing forbids it."
    />
  )
}

const FILL_COLUMNS: readonly Column<OrderFilled>[] = [
  { id: 'fill', title: 'Fill', width: '72px', cell: (row) => row.fill_id },
  { id: 'at', title: 'Time', width: '76px', hide: 's', cell: (row) => <At us={row.ts} /> },
  { id: 'instrument', title: 'Symbol', width: '128px', cell: (row) => <InstrumentName id={row.instrument} /> },
  { id: 'what', title: 'What', cell: (row) => `${row.side} ${plain(row.purpose)}` },
  { id: 'quantity', title: 'Quantity', width: '92px', align: 'right', cell: (row) => exact(row.quantity) },
  { id: 'price', title: 'Price', width: '92px', align: 'right', cell: (row) => exact(row.price) },
  { id: 'fee', title: 'Fee', width: '86px', align: 'right', hide: 'm', cell: (row) => <span title={`${exact(row.fee)}, ${row.liquidity}`}>{fixed(Number(row.fee), 4)}</span> },
]

function FillDetail({ row }: { row: OrderFilled }) {
  const { evidence } = row
  return (
    <div className="fact-detail">
      <p>
        <b>{evidence.rule}</b> — {evidence.detail}
      </p>
      <dl className="facts">
        <dt>Best bid</dt>
        <dd><Exact text={evidence.best_bid} absent="no quote then" /></dd>
        <dt>Best ask</dt>
        <dd><Exact text={evidence.best_ask} absent="no quote then" /></dd>
        <dt>Slippage</dt>
        <dd>{exact(evidence.slippage)}</dd>
        <dt>Age of the book</dt>
        <dd>{evidence.book_age_us === null ? <Missing reason="no book then" /> : `${Math.round(evidence.book_age_us / 1000)} ms`}</dd>
        <dt>Fee</dt>
        <dd>
          {exact(row.fee)} as {row.liquidity}
        </dd>
        <dt>Order</dt>
        <dd>{row.order_id} of {row.strategy}</dd>
      </dl>
    </div>
  )
}

export function FillsPanel() {
  return (
    <FactsPanel
      topic="fills"
      title="Fills"
      testId="panel-fills"
      columns={FILL_COLUMNS}
      detail={(row) => <FillDetail row={row} />}
      emptyTitle="No fill yet"
      emptyText="Every execution appears here with the rule and the market it met."
    />
  )
}
