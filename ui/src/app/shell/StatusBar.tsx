import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Radio } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { authStatus } from '@/api/auth'
import { Dot } from '@/components/ui/Dot'
import { rate } from '@/i18n/format'
import { language, setLanguage } from '@/i18n/texts'
import { useStanding } from '@/realtime/hub'
import { ConnectionDot } from './ConnectionDot'
import { memoryOf, modelsOf, type MemoryUse } from './status'

/** How the server does, on every page. */
export function StatusBar() {
  const { t } = useTranslation()
  const reading = useStanding('metrics')
  const models = useStanding('models')
  const { data: auth } = useQuery(authStatus)
  const loaded = modelsOf(models ?? [])
  const memory = reading === null ? [] : memoryOf(reading)
  const other = language() === 'ko' ? 'en' : 'ko'
  return (
    <footer
      aria-label={t('status.label')}
      className="tabular flex h-7 shrink-0 items-center gap-x-4 overflow-hidden border-t border-line bg-sunken px-3 text-xs whitespace-nowrap text-ink-2"
    >
      <ConnectionDot />
      <Link to="/models" search={{}} className="flex min-w-0 items-center gap-1.5 hover:text-ink">
        <Dot tone={loaded.tone} pulse={loaded.tone === 'warn'} />
        <span className="truncate">
          {loaded.loading === undefined
            ? loaded.names.length === 0
              ? t('status.noModel')
              : loaded.names.length === 1
                ? loaded.names[0]
                : t('status.models', { count: loaded.names.length })
            : t('status.loading', { model: loaded.loading })}
        </span>
      </Link>
      {memory.map((use) => (
        <Use key={use.name} use={use} />
      ))}
      {reading !== null && (
        <span className="hidden items-center gap-4 sm:flex">
          <span>{t('status.rate', { rate: rate(reading.tokens_per_second.generated) })}</span>
          <span>{t('status.running', { count: reading.requests.running })}</span>
          {reading.requests.waiting > 0 && <span>{t('status.queued', { count: reading.requests.waiting })}</span>}
        </span>
      )}
      <span className="flex-1" />
      {(reading?.capture ?? auth?.capture) === true && (
        <span role="status" className="flex items-center gap-1.5 font-medium text-bad">
          <Radio aria-hidden="true" className="size-3.5" />
          <span className="hidden sm:inline">{t('status.capture')}</span>
          <span className="sr-only sm:hidden">{t('status.capture')}</span>
        </span>
      )}
      <button type="button" lang={other} className="hidden rounded-sm px-1 hover:text-ink md:block" onClick={() => setLanguage(other)}>
        {t(`language.${other}`)}
      </button>
    </footer>
  )
}

function Use({ use }: { use: MemoryUse }) {
  const { t } = useTranslation()
  return (
    <span className={use.name === 'ram' ? 'hidden lg:inline' : 'hidden sm:inline'}>
      {t(`status.${use.name}`)} {use.text}
    </span>
  )
}
