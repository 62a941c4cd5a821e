import { useLatest, useNaming } from '../stores'
import { Chip, Empty, Meter, Missing, Panel, significant, span } from '../ui'
import type { ConditionReading, ConditionsView, SectionView } from '../wire/generated'
import { InstrumentName, StateChip, whyUndecided } from './cells'
import { useChosen } from './chosen'
import { SECTION_TONE } from './tones'
import { AnswerChip, Comparison } from './trace'

function Distance({ reading }: { reading: ConditionReading }) {
  if (reading.answer === 'undecided') return <Missing reason={whyUndecided(reading)} />
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

function Condition({ reading, section, isBlocking }: { reading: ConditionReading; section: SectionView; isBlocking: boolean }) {
  return (
    <li className={`condition ${isBlocking ? 'is-blocking' : ''}`} data-testid="row" data-key={reading.path} data-answer={reading.answer}>
      <span className="condition-label" title={`${reading.label} — ${reading.path}`}>
        {reading.label}
      </span>
      <Comparison reading={reading} />
      <Meter value={reading.progress} tone={SECTION_TONE[section.code]} label={`${reading.label}: progress`} />
      <span className="condition-distance">
        <Distance reading={reading} /> <Held reading={reading} />
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

function Section({ section }: { section: SectionView }) {
  const naming = useNaming()
  return (
    <section className={`section tone-${SECTION_TONE[section.code]} ${section.is_watched ? 'is-watched' : ''}`} data-section={section.code} data-watched={section.is_watched}>
      <header>
        <span className="hole" data-answer={section.answer} />
        <h3>{naming.section(section.code)}</h3>
        <span className="faint section-code">{section.code}</span>
        {section.is_watched ? <Chip tone={SECTION_TONE[section.code]}>decides now</Chip> : <span className="faint">monitored</span>}
        <span className="section-summary dim">{section.is_defined ? section.summary : 'This strategy does not define it.'}</span>
        {section.is_defined && <span className="section-share">{Math.round(section.progress)} %</span>}
      </header>
      {section.conditions.length > 0 && (
        <ul>
          {section.conditions.map((reading) => (
            <Condition key={reading.path} reading={reading} section={section} isBlocking={blocks(section, reading)} />
          ))}
        </ul>
      )}
    </section>
  )
}

function Sections({ view }: { view: ConditionsView }) {
  return (
    <div className="sections">
      {view.sections.map((section) => (
        <Section key={section.code} section={section} />
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
