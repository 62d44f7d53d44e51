// Whether the lock has every platform's variant of each native package: where a release lacks one, `npm ci` fails everywhere.
import { readFileSync } from 'node:fs'

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'))
const missing = []
let variants = 0
for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    variants += 1
    const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
    if (!places.some((place) => place in packages)) missing.push(`${name}, of ${path}`)
  }
}
const addressed = Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined)
const unhashed = Object.entries(packages).filter(([path, entry]) => path !== '' && !entry.link && entry.integrity === undefined)
for (const line of missing) console.error(`not in the lock: ${line}`)
for (const [path] of addressed) console.error(`an address stands in the lock: ${path}`)
for (const [path] of unhashed) console.error(`without a hash in the lock: ${path}`)
if (missing.length + addressed.length + unhashed.length > 0) process.exit(1)
console.log(`${Object.keys(packages).length - 1} packages, ${variants} variants, all in the lock`)
