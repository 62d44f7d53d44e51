import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** A `.gz` beside everything that text compresses, so that the server compresses nothing. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    // Of the files as they are written: Vite still changes chunks when the bundle is made.
    writeBundle({ dir = '' }, bundle) {
      for (const { fileName } of Object.values(bundle)) {
        if (!/\.(?:js|css|svg)$/.test(fileName)) continue
        writeFileSync(join(dir, `${fileName}.gz`), gzipSync(readFileSync(join(dir, fileName)), { level: 9 }))
      }
    },
  }
}

/** KaTeX's fonts in the one form that every browser reads: it brings each in three. */
function woff2(): Plugin {
  return {
    name: 'woff2',
    enforce: 'pre',
    transform: (code, id) =>
      /katex[^/]*\.css/.test(id) ? code.replace(/,\s*url\([^)]+\) format\(["'](?:woff|truetype)["']\)/g, '') : undefined,
  }
}

const server = process.env['DOVETAIL_SERVER'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/ui/',
  plugins: [react(), tailwindcss(), woff2(), compressed()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 700, manifest: true },
  server: {
    port: 5173,
    strictPort: true,
    // The server takes writes from its own pages alone: to it, this is one.
    proxy: Object.fromEntries(
      ['/api', '/v1', '/auth', '/health', '/props'].map((path) => [
        path,
        {
          target: server,
          changeOrigin: true,
          configure: (proxy) => {
            proxy.on('proxyReq', (request) => {
              if (request.getHeader('origin')) request.setHeader('origin', server)
            })
          },
        },
      ]),
    ),
  },
})
