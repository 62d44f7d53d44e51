import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { en } from './en'
import { ko } from './ko'

type Tree = { [key: string]: string | Tree }

function leaves(tree: Tree, above = ''): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[`${above}${key}`, value] as [string, string]] : leaves(value, `${above}${key}.`),
  )
}

// The same in both languages: names, units, and what each language calls itself.
const SAME = /^(?:[A-Z][\w.+-]*|[\d\s{}\w/.:%+-]*|.*tok\/s|English|한국어|)$/

const features = join(import.meta.dirname, '../features')
const all: [string, Tree, Tree][] = [['common', en, ko]]
for (const name of readdirSync(features)) {
  const folder = join(features, name, 'i18n')
  try {
    readFileSync(join(folder, 'en.ts'))
  } catch {
    continue
  }
  const [english, korean] = await Promise.all([import(join(folder, 'en.ts')), import(join(folder, 'ko.ts'))])
  all.push([name, english.en as Tree, korean.ko as Tree])
}

const source = join(import.meta.dirname, '..')
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !/i18n[\\/](?:en|ko)\.ts$|\.test\.tsx?$/.test(name))
  .map((name) => readFileSync(join(source, name), 'utf8'))
  .join('\n')

/** By its whole name, or by a name that is put together of what is above it. */
function isShown(key: string): boolean {
  const parts = key.split('.')
  return code.includes(`'${key}'`) || parts.some((_, end) => end > 0 && code.includes(`\`${parts.slice(0, end).join('.')}.\${`))
}

test.each(all)('%s has no text that nothing shows', (_name, english) => {
  const keys = leaves(english).map(([key]) => key.replace(/_(?:one|other)$/, ''))
  expect(keys.filter((key) => !isShown(key))).toEqual([])
})

test.each(all)('%s says the same in both languages', (_name, english, korean) => {
  const other = new Map(leaves(korean))
  expect([...other.keys()].sort()).toEqual(
    leaves(english)
      .map(([key]) => key)
      .sort(),
  )
  for (const [key, text] of leaves(english)) {
    const said = other.get(key) ?? ''
    const holes = (one: string) => [...one.matchAll(/\{\{\s*(\w+)[^}]*\}\}/g)].map((found) => found[1]).sort()
    if (!/_(?:one|two|few|many|zero)$/.test(key)) expect.soft(holes(said), key).toEqual(holes(text))
    if (said === text) expect.soft(text, `${key} is not translated`).toMatch(SAME)
  }
})
