import '@mantine/core/styles/baseline.css'
import '@mantine/core/styles/default-css-variables.css'
import '@mantine/core/styles/global.css'
import '../ui/tokens.css'
import '../ui/ui.css'
import '../panels/panels.css'
import '../panels/connections.css'
import './app.css'
import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { browserHost, openOnOrigin } from '../connection'
import { browserFrames, Desk, DeskContext } from '../stores'
import { router } from './router'
import { titleCutTexts } from './cut_titles'
import { tabName } from './tab'
import { theme } from './theme'

/** What outlives a hot update of this module, so that the tab keeps its one connection and its one tree. */
interface Kept {
  desk?: Desk
  root?: Root
}

const kept: Kept = import.meta.hot?.data ?? {}

/** The tab's desk; one made by code that was replaced meanwhile is ended before another begins. */
function deskOfTab(): Desk {
  if (kept.desk?.constructor === Desk) return kept.desk
  kept.desk?.connection.stop()
  const host = browserHost()
  const desk = new Desk({ host, open: openOnOrigin(window.location.origin, host), tab: tabName(), frames: browserFrames() })
  desk.connection.start()
  return desk
}

function rootOfPage(): Root {
  const element = document.getElementById('root')
  if (!element) throw new Error('The page has no root element.')
  return createRoot(element)
}

const desk = deskOfTab()
const root = kept.root ?? rootOfPage()
const endTitles = titleCutTexts()
if (import.meta.hot) {
  Object.assign(import.meta.hot.data, { desk, root })
  import.meta.hot.dispose(endTitles)
  import.meta.hot.accept()
}

const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false, staleTime: 10_000 } } })

root.render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false}>
      <QueryClientProvider client={queries}>
        <DeskContext value={desk}>
          <RouterProvider router={router} />
        </DeskContext>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
