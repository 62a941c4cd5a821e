import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { ConnectionsPage } from './connections_page'
import { IndexPage } from './index_page'
import { SessionPage } from './session_page'
import { SessionsPage } from './sessions_page'
import { LostPage, Shell } from './shell'
import { StoragePage } from './storage_page'

const root = createRootRoute({ component: Shell, notFoundComponent: LostPage })
const index = createRoute({ getParentRoute: () => root, path: '/', component: IndexPage })
const sessions = createRoute({ getParentRoute: () => root, path: '/sessions', component: SessionsPage })
const session = createRoute({
  getParentRoute: () => root,
  path: '/sessions/$id',
  component: function Session() {
    const { id } = session.useParams()
    return <SessionPage key={id} id={id} />
  },
})
const connections = createRoute({ getParentRoute: () => root, path: '/connections', component: ConnectionsPage })
const storage = createRoute({ getParentRoute: () => root, path: '/storage', component: StoragePage })

export const router = createRouter({ routeTree: root.addChildren([index, sessions, session, connections, storage]), defaultPreload: false })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
