import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '@/components/ui/Page'
import { Tabs } from '@/components/ui/Tabs'
import { Compare } from './Compare'
import { TestBench } from './TestBench'
import './texts'

/** What models take on this machine: many beside each other, or one question at a time. */
export function BenchPage() {
  const { t } = useTranslation('bench')
  const { run, tab } = useSearch({ from: '/inside/bench' })
  const navigate = useNavigate({ from: '/bench' })
  return (
    <Page title={t('title')} className="max-w-screen-xl">
      <Tabs<'compare' | 'test'>
        label={t('tabs.label')}
        value={tab === 'test' ? 'test' : 'compare'}
        onValueChange={(next) => void navigate({ search: { tab: next === 'test' ? next : undefined, run } })}
        tabs={[
          {
            value: 'compare',
            label: t('tabs.compare'),
            content: <Compare run={run} onRun={(id) => void navigate({ search: { run: id } })} />,
          },
          { value: 'test', label: t('tabs.test'), content: <TestBench /> },
        ]}
      />
    </Page>
  )
}
