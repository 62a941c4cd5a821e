import { useEffect, useState, type ReactNode } from 'react'

interface ArmedButtonProps {
  children: ReactNode
  /** What the second press does, as a sentence. */
  confirm: string
  className?: string
  testId?: string
  disabled?: boolean
  /** Why it is disabled, or what it does. */
  title?: string | undefined
  onFire: () => void
}

const ARMED_MS = 4_000

/** A button for what destroys: the first press arms it, the second fires. */
export function ArmedButton({ children, confirm, className, testId, disabled, title, onFire }: ArmedButtonProps) {
  const [isArmed, setArmed] = useState(false)
  useEffect(() => {
    if (!isArmed) return
    const timer = window.setTimeout(() => setArmed(false), ARMED_MS)
    return () => window.clearTimeout(timer)
  }, [isArmed])
  const press = (event: React.MouseEvent) => {
    event.stopPropagation()
    if (isArmed) onFire()
    setArmed(!isArmed)
  }
  return (
    <button
      type="button"
      className={`act ${className ?? ''}`}
      data-testid={testId}
      data-armed={isArmed}
      disabled={disabled}
      title={title}
      onClick={press}
    >
      {isArmed ? confirm : children}
    </button>
  )
}
