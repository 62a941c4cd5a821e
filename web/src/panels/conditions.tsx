import { useIsFinal, useLatest, useNaming } from '../stores'
import { Chip, Empty, Meter, Missing, Panel, significant, span } from '../ui'
import type { ConditionReading, ConditionsView, SectionView } from '../wire/generated'
import { InstrumentName, metBeforeS, StateChip, whyUndecided } from './cells'
import { useChosen } from './chosen'
import { SECTION_TONE } from './tones'
import { AnswerChip, Comparison } from './trace'

function Distance({ reading, metS }: { reading: ConditionReading; metS: number | null }) {
  if (reading.answer === 'undecided') return <Missing reason={whyUndecided(reading)} />
  if (metS !== null) return <span className="is-up" title="It counts for as long as its window says; its present value does not meet it.">met {span(metS)} ago</span>
  if (reading.answer === 'true') return <span className="is-up">met</span>
  if (reading.distance === null) return <Missing reason="this operator has no distance" />
  const share = reading.distance_pct === null ? '' : ` (${significant(reading.distance_pct)} %)`
  return (
    <span className="dim" title={`to go${share}`}>
      {significant(Math.abs(reading.distance))}
      {reading.unit && ` ${reading.unit}`} to go
    </span>
  )
}

function Held({ reading }: { reading: ConditionReading }) {
  if (reading.hold_required_s !== null) return <span className="dim">held {significant(reading.held_s ?? 0)} / {significant(reading.hold_required_s)} s</span>
  if (reading.held_s !== null && reading.answer === 'true') return <span className="dim">held {span(reading.held_s)}</span>
  return null
}

function Condition({ reading, section, isBlocking, ts }: { reading: ConditionReading; section: SectionView; isBlocking: boolean; ts: number }) {
  const metS = metBeforeS(reading, ts)
  return (
    <li className={`condition ${isBlocking ? 'is-blocking' : ''}`} data-testid="row" data-key={reading.path} data-answer={reading.answer}>
      <span className="condition-label" title={`${reading.label} — ${reading.path}`}>
        {reading.label}
      </span>
      <Comparison reading={reading} isPast={metS !== null} />
      <Meter value={reading.progress} tone={SECTION_TONE[section.code]} label={`${reading.label}: progress`} />
      <span className="condition-distance">
        <Distance reading={reading} metS={metS} /> <Held reading={reading} />
      </span>
      <span className="condition-answer">
        {isBlocking && <Chip tone="amber">blocks first</Chip>}
        <AnswerChip answer={reading.answer} />
      </span>
    </li>
  )
}

function blocks(section: SectionView, reading: ConditionReading): boolean {
  return section.blocking !== null && (reading.path === section.blocking || reading.label === section.blocking)
}

const decides = (section: SectionView) => section.is_watched && section.is_defined

function Section({ section, ts }: { section: SectionView; ts: number }) {
  const naming = useNaming()
  const isFinal = useIsFinal()
  const isDeciding = decides(section) && !isFinal
  const word = naming.section(section.code)
  return (
    <section className={`section tone-${SECTION_TONE[section.code]} ${isDeciding ? 'is-watched' : ''}`} data-section={section.code} data-watched={section.is_watched}>
      <header>
        <span className="hole" data-answer={section.answer} />
        <h3>{word}</h3>
        {word !== section.code && <span className="faint section-code">{section.code}</span>}
        {isDeciding && <Chip tone={SECTION_TONE[section.code]}>decides now</Chip>}
        <span className="section-summary dim">{section.is_defined ? section.summary : 'This strategy does not define it.'}</span>
        {section.is_defined && <span className="section-share">{Math.round(section.progress)} %</span>}
      </header>
      {section.conditions.length > 0 && (
        <ul>
          {section.conditions.map((reading) => (
            <Condition key={reading.path} reading={reading} section={section} isBlocking={!isFinal && blocks(section, reading)} ts={ts} />
          ))}
        </ul>
      )}
    </section>
  )
}

/** What can move the instance now comes first. */
function Sections({ view }: { view: ConditionsView }) {
  const isFinal = useIsFinal()
  const deciding = view.sections.filter(decides)
  const others = view.sections.filter((section) => !decides(section))
  return (
    <div className="sections">
      {deciding.map((section) => (
        <Section key={section.code} section={section} ts={view.ts} />
      ))}
      {!isFinal && deciding.length > 0 && others.length > 0 && <p className="sections-rest">monitored</p>}
      {others.map((section) => (
        <Section key={section.code} section={section} ts={view.ts} />
      ))}
    </div>
  )
}

export function ConditionsPanel() {
  const { isLoaded, byKey, rows } = useLatest('conditions')
  const chosen = useChosen()
  const view = chosen ? (byKey.get(chosen.key) ?? rows.find((row) => row.strategy === chosen.strategy && row.instrument === chosen.instrument)) : undefined
  const note = chosen ? (
    <>
      <InstrumentName id={chosen.instrument} /> · {chosen.strategy}
    </>
  ) : undefined
  return (
    <Panel title="Condition Progress" testId="panel-conditions" note={note} tools={view && <StateChip state={view.state} />}>
      {view ? (
        <Sections view={view} />
      ) : isLoaded ? (
        <Empty title="No instance is chosen">Choose a row in the State Machine Overview.</Empty>
      ) : (
        <Empty title="Waiting for the first snapshot">The stream has not delivered the conditions yet.</Empty>
      )}
    </Panel>
  )
}
