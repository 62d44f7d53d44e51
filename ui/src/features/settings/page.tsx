import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { Alert } from '@/components/ui/Alert'
import { Page } from '@/components/ui/Page'
import { About } from './About'
import { ChatDefaults } from './ChatDefaults'
import { Data } from './Data'
import { General } from './General'
import { ModelSettings } from './ModelSettings'
import { Security } from './Security'
import { ServerSettings } from './ServerSettings'
import './texts'

const SECTIONS = ['general', 'chat', 'models', 'server', 'security', 'data', 'about'] as const
type Section = (typeof SECTIONS)[number]
const PARTS: Record<Section, ComponentType> = {
  general: General,
  chat: ChatDefaults,
  models: ModelSettings,
  server: ServerSettings,
  security: Security,
  data: Data,
  about: About,
}
const ADMINS: readonly Section[] = ['models', 'server']

export function SettingsPage() {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const { section: said } = useParams({ strict: false })
  const { data: status } = useQuery(authStatus)
  const section = SECTIONS.find((one) => one === said) ?? 'general'
  const Part = PARTS[section]
  return (
    <Page title={t('nav.settings')} className="max-w-5xl">
      <div className="flex flex-col gap-5 md:flex-row">
        <nav aria-label={t('nav.settings')} className="-mx-1.5 flex shrink-0 flex-wrap gap-1 md:mx-0 md:w-44 md:flex-col">
          {SECTIONS.map((one) => (
            <Link
              key={one}
              to="/settings/$section"
              params={{ section: one }}
              aria-current={one === section ? 'page' : undefined}
              className="rounded-md px-3 py-1.5 whitespace-nowrap text-ink-2 hover:bg-hover hover:text-ink aria-[current=page]:bg-accent-soft aria-[current=page]:font-medium aria-[current=page]:text-accent-ink"
            >
              {ts(`sections.${one}`)}
            </Link>
          ))}
        </nav>
        <div className="flex min-w-0 flex-1 flex-col gap-4">
          {ADMINS.includes(section) && status !== undefined && !may(status, 'admin') ? <Alert tone="warn">{ts('admin')}</Alert> : <Part />}
        </div>
      </div>
    </Page>
  )
}
