import '@mantine/core/styles/baseline.css'
import '@mantine/core/styles/default-css-variables.css'
import '@mantine/core/styles/global.css'
import '../ui/tokens.css'
import '../ui/ui.css'
import '../panels/panels.css'
import './app.css'
import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { browserHost, openOnOrigin } from '../connection'
import { browserFrames, Desk, DeskContext } from '../stores'
import { router } from './router'
import { titleCutTexts } from './cut_titles'
import { tabName } from './tab'
import { theme } from './theme'

const desk = new Desk({ host: browserHost(), open: openOnOrigin(window.location.origin), tab: tabName(), frames: browserFrames() })
desk.connection.start()
titleCutTexts()

const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false, staleTime: 10_000 } } })

const root = document.getElementById('root')
if (!root) throw new Error('The page has no root element.')
createRoot(root).render(
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
