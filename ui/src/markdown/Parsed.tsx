import { type ComponentProps, memo } from 'react'
import { ImageOff } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkCjkFriendly from 'remark-cjk-friendly'
import remarkGfm from 'remark-gfm'
import remarkMath from 'remark-math'
import { CodeBlock } from './CodeBlock'
import { closed, formulas } from './inline'
import { picture, safeLink } from './sanitize'
import { Table } from './Table'
import { Tex } from './Tex'
import './texts'

const PLUGINS = [remarkGfm, remarkCjkFriendly, remarkMath]

/**
 * Markdown with all that may be inside it: lists, tables, quotes, emphasis. HTML in it is text.
 *
 * A stretch is a piece of a paragraph, whose element is around it already.
 */
export const Parsed = memo(function Parsed({ text, isGrowing, isStretch = false }: { text: string; isGrowing: boolean; isStretch?: boolean }) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={isStretch ? INSIDE : COMPONENTS} urlTransform={(address) => address}>
      {formulas(isGrowing ? closed(text) : text)}
    </ReactMarkdown>
  )
})

const COMPONENTS: Components = {
  a: Link,
  img: Picture,
  pre: ({ children }) => <>{children}</>,
  code: Code,
  table: Table,
}

const INSIDE: Components = { ...COMPONENTS, p: ({ children }) => <>{children}</> }

function Link({ href, children }: ComponentProps<'a'>) {
  const address = safeLink(href)
  if (address === null) return <span>{children}</span>
  return (
    <a
      href={address}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="text-accent-ink underline underline-offset-2 hover:no-underline"
    >
      {children}
    </a>
  )
}

function Picture({ src, alt }: ComponentProps<'img'>) {
  const { t } = useTranslation('markdown')
  const found = picture(typeof src === 'string' ? src : undefined)
  if ('shown' in found)
    return <img src={found.shown} alt={alt ?? ''} loading="lazy" className="max-h-96 max-w-full rounded-md" />
  const label = found.blocked === '' ? t('brokenPicture') : t('picture', { host: hostOf(found.blocked) })
  const text = alt === undefined || alt === '' ? label : `${alt} (${label})`
  return (
    <span className="inline-flex max-w-full items-center gap-1.5 rounded-md border border-line bg-sunken px-2 py-1 text-sm text-ink-2">
      <ImageOff aria-hidden size={14} className="shrink-0" />
      {found.blocked === '' ? <span>{text}</span> : <Link href={found.blocked}>{text}</Link>}
    </span>
  )
}

function hostOf(address: string): string {
  try {
    return new URL(address).host
  } catch {
    return address
  }
}

function Code({ className, children }: ComponentProps<'code'>) {
  const text = typeof children === 'string' ? children : ''
  const kind = className ?? ''
  if (kind.includes('math-inline')) return <Tex tex={text} />
  if (kind.includes('math-display')) return <Tex tex={text.trim()} isBlock />
  const isFence = kind.includes('language-') || text.endsWith('\n')
  if (isFence)
    return (
      <CodeBlock
        code={text.replace(/\n$/, '')}
        language={/language-(\S+)/.exec(kind)?.[1]?.toLowerCase() ?? ''}
        isOpen={false}
      />
    )
  return <code className="rounded-sm bg-sunken px-1 py-0.5 font-mono text-[0.9em] break-words">{children}</code>
}
