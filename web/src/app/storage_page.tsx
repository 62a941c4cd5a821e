import { useQuery } from '@tanstack/react-query'
import { JournalPanel, MirrorPanel } from '../panels'
import { ask, describeError } from '../stores'
import { Empty } from '../ui'

/** Where everything is kept, and whether it gets there. */
export function StoragePage() {
  const query = useQuery({ queryKey: ['store'], queryFn: ({ signal }) => ask.store(signal), refetchInterval: 1000, staleTime: 0 })
  return (
    <div className="main page-panel" data-testid="storage-page">
      <h1 className="visually-hidden">Storage: where everything is kept, and whether it gets there</h1>
      {query.error && <p className="field-error" role="alert">{describeError(query.error)}</p>}
      {query.data ? (
        <>
          <JournalPanel store={query.data} />
          <MirrorPanel mirror={query.data.mirror} onChanged={() => void query.refetch()} />
        </>
      ) : (
        !query.error && <Empty title="Asking the desk">This takes a moment.</Empty>
      )}
    </div>
  )
}
