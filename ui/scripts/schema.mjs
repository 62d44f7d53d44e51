// From the OpenAPI document on stdin to src/api/schema.d.ts: what the pages use of it, and no more, so that a change
// of a dialect changes nothing here. `--check` writes nothing and fails where the file is not what it would be.
import { readFileSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const TARGET = new URL('../src/api/schema.d.ts', import.meta.url)
const HEADER = '// Made by `check --fix` from the OpenAPI document; do not edit.\n\n'
const USED = [/^\/api\/v1\//, /^\/auth\//, /^\/health$/, /^\/v1\/models$/, /^\/props$/, /^\/api\/version$/]
// Of these only what is read: a page sends nothing there.
const READ = [/^\/v1\/audio\/transcriptions$/]

const pieces = []
for await (const piece of process.stdin) pieces.push(piece)
const document = JSON.parse(Buffer.concat(pieces).toString('utf8'))
const text = HEADER + astToString(await openapiTS(used(document), { defaultNonNullable: false }))
if (process.argv.includes('--check')) {
  if (read() !== text) {
    console.error('ui/src/api/schema.d.ts is not what the OpenAPI document says: ./check --fix')
    process.exit(1)
  }
} else {
  writeFileSync(TARGET, text)
}

function read() {
  try {
    return readFileSync(TARGET, 'utf8')
  } catch {
    return ''
  }
}

/** The document with the paths that are used, and the schemas that those name. */
function used(whole) {
  const paths = Object.fromEntries(Object.entries(whole.paths).filter(([path]) => USED.some((one) => one.test(path))))
  for (const [path, { get }] of Object.entries(whole.paths)) if (READ.some((one) => one.test(path))) paths[path] = { get }
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    operation.responses = answers(operation.responses)
  }
  const schemas = {}
  const waiting = names(paths)
  while (waiting.length > 0) {
    const name = waiting.pop()
    if (name in schemas) continue
    schemas[name] = whole.components.schemas[name]
    waiting.push(...names(schemas[name]))
  }
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { ...whole, paths, components: { schemas: sorted } }
}

/** What succeeds, and one failure for all, which have the same body. */
function answers(responses) {
  return Object.fromEntries(Object.entries(responses).filter(([status]) => status < '300' || status === '400'))
}

function names(part) {
  return [...JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((found) => found[1])
}
