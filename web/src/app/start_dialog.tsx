import { MultiSelect, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo, useState, type ReactNode } from 'react'
import { ApiError, ask, command, describeError } from '../stores'
import { Segments } from '../ui'
import { Dialog } from '../ui/dialog'
import type { FeedView, StartSession, StrategyView } from '../wire/generated'
import { newKey } from './tab'

type Field = 'feed' | 'strategies' | 'symbols' | 'capital' | 'profile'
const FIELDS: readonly Field[] = ['feed', 'strategies', 'symbols', 'capital', 'profile']

/** The field an error points at; null when it is about the whole. */
export function fieldOf(error: unknown): Field | null {
  const path = error instanceof ApiError ? (error.path ?? '') : ''
  return FIELDS.find((field) => path === field || path.startsWith(`${field}[`) || path.startsWith(`${field}.`)) ?? null
}

function FieldError({ error, field }: { error: unknown; field: Field | null }) {
  if (!error || fieldOf(error) !== field) return null
  return (
    <p className="field-error" role="alert" data-testid={`error-${field ?? 'start'}`}>
      {field ? sentence(error) : describeError(error)}
    </p>
  )
}

/** Next to its own field an error needs no path. */
function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const CAPITAL_WANTED = 'Capital must be a positive amount, such as 10000.'

/** Why a text is no capital, or null when it is one. */
export function capitalFault(text: string): string | null {
  return /^\s*\d+(\.\d+)?\s*$/.test(text) && Number(text) > 0 ? null : CAPITAL_WANTED
}

const PROFILES = [
  { value: 'optimistic', label: 'Optimistic' },
  { value: 'standard', label: 'Standard' },
  { value: 'pessimistic', label: 'Pessimistic' },
] as const

const PROFILE_HINT = {
  optimistic: 'Lower fees and no latency: an upper bound.',
  standard: 'Usual fees; fills against the quotes of the moment.',
  pessimistic: 'Higher fees, a quarter of a second of latency, wider spreads: a lower bound.',
} as const

function useForm() {
  const [feed, setFeed] = useState<string | null>(null)
  const [strategies, setStrategies] = useState<string[]>([])
  const [symbols, setSymbols] = useState<string[]>([])
  const [capital, setCapital] = useState('10000')
  const [profile, setProfile] = useState<keyof typeof PROFILE_HINT>('standard')
  const request: StartSession = { mode: 'PAPER', feed, strategies, symbols, capital: capital.trim(), profile }
  const text = JSON.stringify(request)
  // The same request keeps its key, so that pressing twice starts one session.
  const key = useMemo(() => (text ? newKey() : ''), [text])
  return { request, key, setFeed, setStrategies, setSymbols, setCapital, setProfile }
}

export function StartDialog({ onClose }: { onClose: () => void }) {
  const form = useForm()
  const navigate = useNavigate()
  const start = useMutation({
    mutationFn: () => command.start(form.request, form.key),
    onSuccess: (session) => {
      onClose()
      void navigate({ to: '/sessions/$id', params: { id: session.session_id } })
    },
  })
  const [isChecked, setChecked] = useState(false)
  const wrongCapital = isChecked ? capitalFault(form.request.capital ?? '') : null
  const capitalError = wrongCapital ?? (fieldOf(start.error) === 'capital' ? sentence(start.error) : null)
  const submit = (event: React.FormEvent) => {
    event.preventDefault()
    setChecked(true)
    if (capitalFault(form.request.capital ?? '') === null) start.mutate()
  }
  return (
    <Dialog onClose={onClose} title="Start a paper session" size="lg" testId="start-dialog">
      <form className="form" onSubmit={submit} noValidate>
        <FeedField value={form.request.feed ?? null} onChange={form.setFeed} error={start.error} />
        <StrategyField value={form.request.strategies} onChange={form.setStrategies} error={start.error} />
        <SymbolField feed={form.request.feed ?? null} value={form.request.symbols} onChange={form.setSymbols} error={start.error} />
        <div className="form-row">
          <TextInput label="Capital (USDT)" description="In the quote currency of the symbols, such as 10000." inputMode="decimal" value={form.request.capital ?? ''} onChange={(event) => form.setCapital(event.currentTarget.value)} error={capitalError} />
          <ProfileField value={form.request.profile ?? 'standard'} onChange={form.setProfile} error={start.error} />
        </div>
        <FieldError error={start.error} field={null} />
        <div className="dialog-actions">
          <button type="submit" className="act is-primary" data-testid="start-submit" disabled={start.isPending}>
            {start.isPending ? 'Checking and starting' : 'Start session'}
          </button>
          <button type="button" className="act" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  )
}

interface FieldProps<V> {
  value: V
  onChange: (value: V) => void
  error: unknown
}

function feedHint(feed: FeedView | undefined): ReactNode {
  if (!feed) return 'Where market data comes from.'
  const note = feed.note ?? `Market data of ${feed.venue}.`
  return feed.is_simulated && !note.startsWith('SIMULATED') ? `SIMULATED. ${note}` : note
}

function FeedField({ value, onChange, error }: FieldProps<string | null>) {
  const feeds = useQuery({ queryKey: ['feeds'], queryFn: ({ signal }) => ask.feeds(signal) })
  const items = feeds.data?.items ?? []
  const chosen = items.find((feed) => (value ? feed.name === value : feed.is_default))
  return (
    <div>
      <Select label="Market" data={items.map((feed) => ({ value: feed.name, label: feed.name }))} value={chosen?.name ?? null} onChange={onChange} allowDeselect={false} placeholder={feeds.isPending ? 'Asking the desk' : 'No feed is available'} />
      <p className="hint">{feedHint(chosen)}</p>
      {feeds.error && <p className="field-error">{describeError(feeds.error)}</p>}
      <FieldError error={error} field="feed" />
    </div>
  )
}

function StrategyField({ value, onChange, error }: FieldProps<string[]>) {
  const strategies = useQuery({ queryKey: ['strategies'], queryFn: ({ signal }) => ask.strategies(signal) })
  const toggle = (name: string, isOn: boolean) => onChange(isOn ? [...value, name] : value.filter((one) => one !== name))
  return (
    <fieldset>
      <legend>Strategies</legend>
      <div className="choices">
        {(strategies.data?.items ?? []).map((strategy: StrategyView) => (
          <label key={strategy.name} className="choice">
            <input type="checkbox" name="strategy" value={strategy.name} checked={value.includes(strategy.name)} onChange={(event) => toggle(strategy.name, event.target.checked)} />
            <b>{strategy.name}</b>
            <span>{strategy.description || 'No description.'}</span>
          </label>
        ))}
      </div>
      {strategies.isPending && <p className="hint">Asking the desk for its strategies.</p>}
      {strategies.data?.items.length === 0 && <p className="hint">The library is empty. Put a definition into the data folder&apos;s strategies folder.</p>}
      {strategies.error && <p className="field-error">{describeError(strategies.error)}</p>}
      <FieldError error={error} field="strategies" />
    </fieldset>
  )
}

function SymbolField({ feed, value, onChange, error }: FieldProps<string[]> & { feed: string | null }) {
  const [text, setText] = useState('')
  const [query] = useDebouncedValue(text, 150)
  const found = useQuery({ queryKey: ['instruments', feed, query], queryFn: ({ signal }) => ask.instruments(feed, query, signal), placeholderData: keepPreviousData })
  const options = (found.data?.items ?? []).map((one) => ({ value: one.id, label: `${one.symbol} ${one.kind}` }))
  const missing = value.filter((id) => !options.some((option) => option.value === id)).map((id) => ({ value: id, label: id }))
  return (
    <div>
      <MultiSelect
        label="Symbols"
        data={[...options, ...missing]}
        value={value}
        onChange={onChange}
        searchable
        searchValue={text}
        onSearchChange={setText}
        filter={({ options: all }) => all}
        hidePickedOptions
        maxDropdownHeight={180}
        comboboxProps={{ position: 'bottom', middlewares: { flip: false, shift: true } }}
        placeholder={value.length === 0 ? 'Search, for example BTC' : ''}
        nothingFoundMessage={found.isFetching ? 'Searching' : `No instrument of this market matches "${query}".`}
        data-testid="symbol-search"
      />
      {found.error && <p className="field-error">{describeError(found.error)}</p>}
      <FieldError error={error} field="symbols" />
    </div>
  )
}

function ProfileField({ value, onChange, error }: FieldProps<keyof typeof PROFILE_HINT>) {
  return (
    <div>
      <span className="field-label">Assumptions of the simulated venue</span>
      <Segments label="Assumptions" value={value} options={PROFILES} onChange={onChange} />
      <p className="hint">{PROFILE_HINT[value]}</p>
      <FieldError error={error} field="profile" />
    </div>
  )
}
