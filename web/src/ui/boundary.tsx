import { Component, type ReactNode } from 'react'
import { Empty } from './primitives'

/** A panel that breaks says so and leaves the others alone. */
export class Boundary extends Component<{ name: string; children: ReactNode }, { message: string | null }> {
  override state: { message: string | null } = { message: null }

  static getDerivedStateFromError(error: unknown): { message: string } {
    return { message: error instanceof Error ? error.message : String(error) }
  }

  override render(): ReactNode {
    if (this.state.message === null) return this.props.children
    return (
      <section className="panel" role="alert">
        <Empty title={`${this.props.name} cannot be shown.`}>
          {this.state.message}{' '}
          <button type="button" className="quiet-button" onClick={() => this.setState({ message: null })}>
            Try again
          </button>
        </Empty>
      </section>
    )
  }
}
