import { useTranslation } from 'react-i18next'
import { dotted, number, rate } from '@/i18n/format'
import type { Figures } from './ask'

const SIX = [
  'input_tokens',
  'output_tokens',
  'tokens_per_second',
  'first_token_s',
  'time_taken_s',
  'max_ram_mb',
] as const

/** What an answer took; a dash is what is not known yet. */
export function SixFigures({ figures }: { figures: Figures | null }) {
  const { t } = useTranslation('bench')
  const prefill = figures?.prompt_tokens_per_second ?? null
  return (
    <div>
      <dl aria-label={t('test.figuresLabel')} className="grid grid-cols-[repeat(auto-fit,minmax(8rem,1fr))] gap-3">
        {SIX.map((name) => {
          const value = figures?.[name] ?? null
          return (
            <div key={name} className="rounded-xl border border-line bg-surface px-3.5 py-3 shadow-sm">
              <dt className="text-xs font-medium text-ink-2">{t(`test.figures.${name}`)}</dt>
              <dd className="tabular mt-1 text-xl font-semibold" data-figure={name} data-value={value ?? undefined}>
                {value === null ? '—' : written(name, value)}
              </dd>
            </div>
          )
        })}
      </dl>
      <p className="tabular mt-2 min-h-5 text-xs text-ink-3">
        {dotted([
          prefill !== null && t('test.more.prompt_tokens_per_second', { value: rate(prefill) }),
          figures !== null && figures.load_s > 0 && t('test.more.load_s', { value: number(figures.load_s, 2) }),
        ])}
      </p>
    </div>
  )
}

function written(name: (typeof SIX)[number], value: number): string {
  if (name === 'input_tokens' || name === 'output_tokens') return number(value)
  if (name === 'tokens_per_second') return rate(value)
  return number(value, name === 'max_ram_mb' ? 1 : 3)
}
