/** The page of the conformance suite: this client at the suite's pace, reporting what it delivers. */
import { browserHost, Connection, openOnOrigin, type Host } from '../../src/connection'

const query = new URLSearchParams(window.location.search)
const scale = Number(query.get('scale') ?? '1')

/** The browser's own world, with every time of the protocol multiplied by the scale. */
function scaledHost(): Host {
  const host = browserHost()
  return {
    ...host,
    now: () => host.now() / scale,
    setTimeout: (run, ms) => host.setTimeout(run, ms * scale),
    wall: () => host.wall() / scale,
  }
}

let sent = Promise.resolve()

/** Reports in order, one after the other. */
function report(line: object): void {
  sent = sent.then(async () => {
    await fetch('/report', { method: 'POST', body: JSON.stringify(line) })
  })
}

const host = scaledHost()
const connection = new Connection({
  host,
  open: openOnOrigin(window.location.origin, host),
  tab: 'conformance',
  deliver: (topic, { kind, epoch, seq }) => report({ kind: kind === 'snapshot' ? 'snapshot' : 'pub', topic, epoch, seq }),
})

let shownRefusals = ''
let hasStopped = false
connection.onStatus(() => {
  const { phase, refusals, closes } = connection.status()
  const shown = JSON.stringify(refusals)
  if (shown !== shownRefusals) for (const { topic } of refusals) report({ kind: 'err', topic })
  shownRefusals = shown
  if (phase === 'stopped' && !hasStopped) report({ kind: 'stopped', code: closes[0]?.code })
  hasStopped = phase === 'stopped'
})

for (const topic of query.getAll('topic')) connection.subscribe(topic)
connection.start()
