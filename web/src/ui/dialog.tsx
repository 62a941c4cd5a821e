import './dialogs.css'
import { Modal } from '@mantine/core'
import type { ReactNode } from 'react'

interface DialogProps {
  title: string
  onClose: () => void
  size?: string
  testId?: string
  centered?: boolean
  children: ReactNode
}

/** An open dialog. Its head is no `header`, which at the end of the document would be a second banner. */
export function Dialog({ title, onClose, size, testId, centered, children }: DialogProps) {
  return (
    <Modal.Root opened onClose={onClose} size={size} centered={centered} lockScroll={false} data-testid={testId}>
      <Modal.Overlay />
      <Modal.Content>
        <div className="dialog-head">
          <Modal.Title>{title}</Modal.Title>
          <Modal.CloseButton aria-label="Close this dialog" />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
