import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const server = `http://127.0.0.1:${process.env.PORT ?? 8420}`
const junit = process.env.JUNIT

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../src/papertape/server/ui',
    emptyOutDir: true,
    target: 'es2022',
    // Nothing is inlined: the content security policy allows files of this origin only.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
  },
  server: {
    port: 5173,
    // The desk answers to its own host and origin only.
    proxy: {
      '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } },
      '/health': { target: server, changeOrigin: true },
    },
  },
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    environment: 'node',
    reporters: junit ? ['default', ['junit', { outputFile: junit }]] : ['default'],
  },
})
