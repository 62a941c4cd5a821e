import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { Link, Outlet } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { ConnectionBadge } from '../panels'
import { useDesk, useNotices, useOffline, usePreferences, type Notice } from '../stores'
import { Icon, Mark, Segments } from '../ui'

const StartDialog = lazy(() => import('./start_dialog').then((module) => ({ default: module.StartDialog })))

export function Shell() {
  const desk = useDesk()
  useEffect(() => desk.followDesk(), [desk])
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <Topbar />
      <main className="main" id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <NoticeList />
    </div>
  )
}

function Topbar() {
  return (
    <header className="topbar">
      <Link to="/" className="brand">
        <Mark /> papertape
      </Link>
      <nav className="nav" aria-label="Pages">
        <Link to="/" activeOptions={{ exact: true }}>
          Live
        </Link>
        <Link to="/sessions" activeOptions={{ exact: true }}>
          Sessions
        </Link>
        <Link to="/connections">Connections</Link>
        <Link to="/storage">Storage</Link>
      </nav>
      <ConnectionBadge />
      <NamingSwitch />
      <ThemeSwitch />
      <StartButton />
    </header>
  )
}

function NamingSwitch() {
  const naming = usePreferences((now) => now.naming)
  const setNaming = usePreferences((now) => now.setNaming)
  const options = [
    { value: 'words', label: 'Found', title: 'Sections and states as words' },
    { value: 'codes', label: 'S1', title: 'Sections and states as codes' },
  ] as const
  return (
    <div data-testid="naming-switch">
      <Segments label="Words or codes" value={naming} options={options} onChange={setNaming} />
    </div>
  )
}

function ThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme()
  // A first visit follows the system; a press chooses.
  const colorScheme = useComputedColorScheme('dark', { getInitialValueInEffect: false })
  const next = colorScheme === 'light' ? 'dark' : 'light'
  return (
    <button type="button" className="quiet-button" data-testid="theme-switch" aria-label={`Switch to the ${next} theme`} title={`Switch to the ${next} theme`} onClick={() => setColorScheme(next)}>
      <Icon name={next === 'light' ? 'sun' : 'moon'} />
    </button>
  )
}

export function StartButton() {
  const [isOpen, setOpen] = useState(false)
  const offline = useOffline()
  return (
    <>
      <button type="button" className="act is-primary" data-testid="start-session" disabled={offline !== null} title={offline ?? undefined} onClick={() => setOpen(true)}>
        <Icon name="plus" /> Start session
      </button>
      {isOpen && (
        <Suspense fallback={null}>
          <StartDialog onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}

function NoticeList() {
  const items = useNotices((now) => now.items)
  return (
    <div className="notices" aria-live="assertive" data-testid="notices">
      {items.map((notice) => (
        <NoticeCard key={notice.id} notice={notice} />
      ))}
    </div>
  )
}

function NoticeCard({ notice }: { notice: Notice }) {
  const dismiss = useNotices((now) => now.dismiss)
  return (
    <div className={`notice is-${notice.severity}`}>
      <b>{notice.title}</b>
      <p>{notice.text}</p>
      <button type="button" className="quiet-button" aria-label="Put away" onClick={() => dismiss(notice.id)}>
        <Icon name="close" size={12} />
      </button>
    </div>
  )
}

export function LostPage() {
  return (
    <div className="welcome">
      <h1>There is no such page</h1>
      <p>
        Go to the <Link to="/">live session</Link> or the <Link to="/sessions">list of sessions</Link>.
      </p>
    </div>
  )
}
