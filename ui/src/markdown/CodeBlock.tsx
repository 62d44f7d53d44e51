import { memo, useEffect, useMemo, useState } from 'react'
import { Check, Copy, Download, WrapText } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useCopy } from '@/hooks/clipboard'
import { useIdleSteps } from '@/hooks/idle'
import { cn } from '@/components/ui/cn'
import { saveFile } from './save'
import { pieces } from './chunks'
import { colour, colours } from './highlight'
import './texts'

/** Code longer than this many lines is shown in part, where it was not watched being written. */
const TALL = 40
/** So many pieces get their colours at once, the others one by one when there is time. */
const AT_ONCE = 2

/** Code in its frame: plain while it is written, in colours once it is whole. */
export const CodeBlock = memo(function CodeBlock({
  code,
  language,
  isOpen,
  full = code,
}: {
  code: string
  language: string
  isOpen: boolean
  /** What is copied and saved, where that is not what is shown. */
  full?: string
}) {
  const { t } = useTranslation('markdown')
  const { copied, copy } = useCopy()
  const [wraps, setWraps] = useState(false)
  const lines = useMemo(() => code.split('\n').length, [code])
  const [isWhole, setWhole] = useState(isOpen)
  const isCut = lines > TALL && !isWhole
  const name = language === '' ? t('plain') : language
  return (
    <figure
      className="code-block group/code my-3 overflow-hidden rounded-lg border border-line bg-sunken"
      aria-label={t('code', { language: name })}
    >
      <figcaption className="flex h-9 items-center gap-0.5 border-b border-line pr-1 pl-3 text-xs text-ink-3">
        <span className="flex-1 truncate font-mono">{name}</span>
        <Tool label={t('wrap')} isPressed={wraps} onClick={() => setWraps(!wraps)}>
          <WrapText aria-hidden size={14} />
        </Tool>
        <Tool label={t('download')} onClick={() => saveFile(fileName(language), full)}>
          <Download aria-hidden size={14} />
        </Tool>
        <Tool label={copied ? t('copied') : t('copy')} onClick={() => copy(full)} isCopy>
          {copied ? <Check aria-hidden size={14} /> : <Copy aria-hidden size={14} />}
        </Tool>
      </figcaption>
      {/* What scrolls has to be reached by keyboard. */}
      <pre
        tabIndex={0}
        className={cn(
          'overflow-auto p-3 font-mono text-sm',
          wraps && 'whitespace-pre-wrap break-words',
          isCut && 'max-h-96',
        )}
      >
        <Lines code={code} language={language} isOpen={isOpen} />
      </pre>
      {lines > TALL && !isOpen && (
        <button
          type="button"
          className="w-full border-t border-line py-1.5 text-xs text-ink-2 hover:bg-hover"
          aria-expanded={isWhole}
          onClick={() => setWhole(!isWhole)}
        >
          {isWhole ? t('less') : t('more', { lines })}
        </button>
      )}
    </figure>
  )
})

function Lines({ code, language, isOpen }: { code: string; language: string; isOpen: boolean }) {
  const [made, setMade] = useState<{ code: string; chunks: readonly string[] } | null>(null)
  useEffect(() => {
    if (isOpen || code === '') return undefined
    let isWanted = true
    void colour(code, language).then((chunks) => {
      if (isWanted && chunks.length > 0) setMade({ code, chunks })
    })
    return () => {
      isWanted = false
    }
  }, [code, language, isOpen])
  const chunks = (isOpen ? undefined : made?.code === code ? made.chunks : colours(code, language)) ?? []
  const done = useIdleSteps(AT_ONCE, chunks.length)
  return (
    <code>
      {pieces(code).map((piece, index) => {
        const html = index < done ? chunks[index] : undefined
        return html === undefined ? <Plain key={index} text={piece} /> : <Coloured key={index} html={html} />
      })}
    </code>
  )
}
const Plain = memo(function Plain({ text }: { text: string }) {
  return (
    <span className="code-piece" style={heightOf(text)}>
      {text}
    </span>
  )
})

// highlight.js escapes all of the code: what it makes is spans with class names around it.
const Coloured = memo(function Coloured({ html }: { html: string }) {
  return <span className="code-piece" style={heightOf(html)} dangerouslySetInnerHTML={{ __html: html }} />
})

/** What a piece is high while it is out of sight and not laid out. */
function heightOf(piece: string): React.CSSProperties {
  const lines = piece.replace(/\n(?:<\/span>)*$/, '').split('\n').length
  return { containIntrinsicBlockSize: `auto ${lines}lh` }
}

function Tool(props: {
  label: string
  onClick: () => void
  children: React.ReactNode
  isPressed?: boolean
  isCopy?: boolean
}) {
  return (
    <button
      type="button"
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.isPressed}
      data-copy-code={props.isCopy === true ? '' : undefined}
      onClick={props.onClick}
      className="grid size-7 place-items-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink aria-pressed:bg-pressed aria-pressed:text-ink"
    >
      {props.children}
    </button>
  )
}

const ENDINGS: Record<string, string> = {
  python: 'py',
  javascript: 'js',
  typescript: 'ts',
  bash: 'sh',
  shell: 'sh',
  markdown: 'md',
  rust: 'rs',
  ruby: 'rb',
  csharp: 'cs',
  kotlin: 'kt',
  yaml: 'yml',
}

function fileName(language: string): string {
  const ending = ENDINGS[language] ?? (/^[a-z0-9]{1,8}$/.test(language) ? language : 'txt')
  return `code.${ending}`
}
