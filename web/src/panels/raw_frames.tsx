import { useEffect, useState } from 'react'
import { messagesOf, type FrameCounts, type FrameLog, type FrameMessage, type RawFrame } from '../connection'
import { useDesk } from '../stores'
import { Chip, counted, DataTable, Empty, fixed, Panel, type Column, type Tone } from '../ui'
import { bytes, CARRIER } from './connection_words'
import { Figure } from './figure'

const LOOK_MS = 500
const SHOWN_CHARS = 100_000
const KINDS = ['pub', 'snap', 'sub', 'hb', 'ping', 'pong', 'vis', 'hello', 'welcome', 'unsub', 'bye', 'err'] as const
const KIND_TONE: Record<string, Tone> = { pub: 'teal', snap: 'blue', sub: 'violet', bye: 'red', err: 'red' }

/** What a frame holds is found once, when it is first looked at. */
const told = new WeakMap<RawFrame, FrameMessage[]>()

function messagesIn(frame: RawFrame): FrameMessage[] {
  let messages = told.get(frame)
  if (!messages) told.set(frame, (messages = messagesOf(frame.text)))
  return messages
}

function clockMs(at: number): string {
  const date = new Date(at)
  return `${date.toLocaleTimeString('en-GB', { hour12: false })}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function Kinds({ frame }: { frame: RawFrame }) {
  const messages = messagesIn(frame)
  if (messages.length === 0) return <Chip tone="red">no message</Chip>
  const counts = new Map<string, number>()
  for (const { kind } of messages) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => (
    <Chip key={kind} tone={KIND_TONE[kind] ?? 'slate'}>
      {kind}
      {count > 1 && ` × ${count}`}
    </Chip>
  ))
}

function topicsIn(frame: RawFrame): string {
  const names = new Set(messagesIn(frame).flatMap(({ topic }) => (topic ? [topic.split('/').at(-1) ?? topic] : [])))
  return [...names].join(', ')
}

const COLUMNS: readonly Column<RawFrame>[] = [
  { id: 'at', title: 'Time', width: '128px', cell: (frame) => <span className="mono">{clockMs(frame.at)}</span> },
  { id: 'way', title: 'Way', width: '64px', cell: (frame) => (frame.direction === 'in' ? <span>↓ in</span> : <span className="is-warn">↑ out</span>) },
  { id: 'kind', title: 'Messages', width: '190px', cell: (frame) => <span className="kinds"><Kinds frame={frame} /></span> },
  { id: 'topics', title: 'Topics', hide: 's', cell: (frame) => <span className="dim">{topicsIn(frame)}</span> },
  { id: 'size', title: 'Size', width: '80px', align: 'right', cell: (frame) => bytes(frame.text.length) },
]

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

function FrameDetail({ frame }: { frame: RawFrame }) {
  const [isCopied, setCopied] = useState(false)
  const text = pretty(frame.text)
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true))
  return (
    <div className="frame-detail">
      <div className="health-row">
        <span className="dim">
          {CARRIER[frame.transport]}, {counted(messagesIn(frame).length, 'message')}, {bytes(frame.text.length)}
          {text.length > SHOWN_CHARS && `, of which ${bytes(SHOWN_CHARS)} are shown; the copy is whole`}
        </span>
        <button type="button" className="act is-small" onClick={copy}>
          {isCopied ? 'Copied' : 'Copy JSON'}
        </button>
      </div>
      <pre tabIndex={0} aria-label="The frame as JSON">{text.slice(0, SHOWN_CHARS)}</pre>
    </div>
  )
}

interface Look {
  frames: readonly RawFrame[]
  /** Frames and characters a second since the look before. */
  rates: FrameCounts
}

const NOTHING: Look = { frames: [], rates: { framesIn: 0, framesOut: 0, charsIn: 0, charsOut: 0 } }

/** Looks at the frames twice a second while it runs; the last look stays when it does not. */
function useFrames(log: FrameLog, isRunning: boolean): Look {
  const [look, setLook] = useState(NOTHING)
  useEffect(() => {
    if (!isRunning) return
    let before = { ...log.counts }
    let beforeAt = performance.now()
    const read = () => {
      const seconds = Math.max(0.05, (performance.now() - beforeAt) / 1000)
      const rate = (name: keyof FrameCounts) => (log.counts[name] - before[name]) / seconds
      setLook({ frames: log.newest(), rates: { framesIn: rate('framesIn'), framesOut: rate('framesOut'), charsIn: rate('charsIn'), charsOut: rate('charsOut') } })
      before = { ...log.counts }
      beforeAt = performance.now()
    }
    read()
    const timer = window.setInterval(read, LOOK_MS)
    return () => window.clearInterval(timer)
  }, [log, isRunning])
  return look
}

function matches(frame: RawFrame, kind: string, topic: string): boolean {
  if (!kind && !topic) return true
  return messagesIn(frame).some((message) => (!kind || message.kind === kind) && (!topic || (message.topic ?? '').includes(topic)))
}

/** What really goes over the wire of this tab, for whoever wants to see it. */
export function RawFramesPanel() {
  const { frames: log } = useDesk().connection
  const [isRunning, setRunning] = useState(false)
  const [kind, setKind] = useState('')
  const [topic, setTopic] = useState('')
  const { frames, rates } = useFrames(log, isRunning)
  const shown = frames.filter((frame) => matches(frame, kind, topic.trim()))
  const tools = (
    <>
      <select className="quiet-input" aria-label="Kind of message" value={kind} onChange={(event) => setKind(event.target.value)}>
        <option value="">every kind</option>
        {KINDS.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      <input className="quiet-input" type="search" placeholder="topic" aria-label="Part of a topic" value={topic} onChange={(event) => setTopic(event.target.value)} />
      <button type="button" className={`act is-small ${isRunning ? '' : 'is-primary'}`} data-testid="frames-toggle" aria-pressed={isRunning} onClick={() => setRunning((now) => !now)}>
        {isRunning ? 'Pause' : 'Watch'}
      </button>
    </>
  )
  return (
    <Panel title="Raw frames of this tab" testId="panel-raw-frames" note={frames.length > 0 ? `${shown.length} of ${frames.length}` : 'not watched'} tools={tools}>
      {frames.length === 0 ? (
        <Empty title="Nothing is watched yet">Press Watch to see the newest 500 frames as they go over the wire, in and out, with the whole JSON of each. They are kept in this tab only.</Empty>
      ) : (
        <>
          <dl className="figures frame-rates">
            <Figure name="In">{fixed(rates.framesIn, 1)} frames/s, {bytes(Math.round(rates.charsIn))}/s</Figure>
            <Figure name="Out">{fixed(rates.framesOut, 1)} frames/s, {bytes(Math.round(rates.charsOut))}/s</Figure>
            <Figure name="State">{isRunning ? 'watching, twice a second' : 'paused'}</Figure>
          </dl>
          {shown.length > 0 ? (
            <DataTable label="Raw frames" rows={shown} columns={COLUMNS} keyOf={(frame) => String(frame.id)} detail={(frame) => <FrameDetail frame={frame} />} />
          ) : (
            <Empty title="No frame fits the filter">Choose every kind, or empty the topic.</Empty>
          )}
        </>
      )}
    </Panel>
  )
}
