import { type ComponentProps, useRef } from 'react'
import { Check, Copy } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useCopy } from '@/hooks/clipboard'
import { csvOf } from './csv'

/** A table that scrolls where it is wider than the column, and goes to a spreadsheet as CSV. */
export function Table({ children }: ComponentProps<'table'>) {
  const { t } = useTranslation('markdown')
  const { copied, copy } = useCopy()
  const table = useRef<HTMLTableElement>(null)
  return (
    <div className="group/table relative my-3">
      <div role="region" aria-label={t('table')} tabIndex={0} className="overflow-x-auto rounded-lg border border-line">
        <table ref={table} className="w-full border-collapse text-base">
          {children}
        </table>
      </div>
      <button
        type="button"
        title={copied ? t('copied') : t('copyTable')}
        aria-label={copied ? t('copied') : t('copyTable')}
        onClick={() => table.current !== null && copy(csvOf(rowsOf(table.current)))}
        className="absolute top-1 right-1 grid size-7 place-items-center rounded-sm border border-line bg-raised text-ink-2 opacity-0 group-hover/table:opacity-100 hover:bg-hover focus-visible:opacity-100 [@media(hover:none)]:opacity-100"
      >
        {copied ? <Check aria-hidden size={14} /> : <Copy aria-hidden size={14} />}
      </button>
    </div>
  )
}

function rowsOf(table: HTMLTableElement): string[][] {
  return [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))
}
