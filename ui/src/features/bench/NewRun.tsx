import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button, buttonClass } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { Checkbox } from '@/components/ui/Checkbox'
import { EmptyState } from '@/components/ui/EmptyState'
import { Fetched } from '@/components/ui/Fetched'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { SkeletonList } from '@/components/ui/Skeleton'
import { useStore } from 'zustand'
import { Estimate } from './Estimate'
import { ModelChoice } from './ModelChoice'
import { benchKeys, models as allModels } from './queries'
import { bodyOf, runForm, type Problem, type RunForm } from './run-form'

export interface NewRunProps {
  onStarted: (id: string) => void
}

/** What to measure, how long that takes, and its start. */
export function NewRun({ onStarted }: NewRunProps) {
  const { t } = useTranslation('bench')
  const cache = useQueryClient()
  const query = useQuery(allModels)
  const form = useStore(runForm)
  const [tried, setTried] = useState(false)
  const chosen = form.models.filter((id) => query.data?.some((model) => model.id === id))
  const found = bodyOf({ ...form, models: chosen })
  const start = useMutation({
    mutationFn: async () => ('body' in found ? data(api.POST('/api/v1/benchmarks', { body: found.body })) : null),
    onSuccess: (answer) => {
      if (answer) onStarted(answer.benchmark.id)
      void cache.invalidateQueries({ queryKey: benchKeys.list })
    },
  })
  const change = (more: Partial<RunForm>) => runForm.setState(more)
  const wrong = (field: Problem) => {
    const shown = 'problems' in found && found.problems.includes(field) && (tried || field !== 'models')
    return shown ? { error: t(`form.problems.${field}`) } : {}
  }
  return (
    <Card title={t('form.title')} description={t('form.description')}>
      <Fetched query={query} pending={<SkeletonList rows={3} />}>
        {(models) => (
          models.length === 0 ? (
            <EmptyState
              title={t('form.noModels')}
              actions={
                <Link to="/models" className={buttonClass()}>
                  {t('form.toModels')}
                </Link>
              }
            >
              {t('form.noModelsHelp')}
            </EmptyState>
          ) : (
            <form
              className="flex flex-col gap-4"
              onSubmit={(event) => {
                event.preventDefault()
                setTried(true)
                if ('body' in found) start.mutate()
              }}
            >
              <ModelChoice
                models={models}
                chosen={chosen}
                onChange={(next) => change({ models: next })}
                {...wrong('models')}
              />
              <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-[1fr_1fr_1fr_6rem_1fr]">
                {(['prompt', 'gen', 'streams'] as const).map((field) => (
                  <Field
                    key={field}
                    label={t(`form.${field}`)}
                    description={t('form.listHelp')}
                    inputMode="numeric"
                    value={form[field]}
                    onValueChange={(value) => change({ [field]: value })}
                    {...wrong(field)}
                  />
                ))}
                <Field
                  label={t('form.repeat')}
                  inputMode="numeric"
                  value={form.repeat}
                  onValueChange={(repeat) => change({ repeat })}
                  {...wrong('repeat')}
                />
                <Field
                  label={t('form.name')}
                  placeholder={t('form.namePlaceholder')}
                  maxLength={200}
                  value={form.name}
                  onValueChange={(name) => change({ name })}
                />
              </div>
              <div className="flex flex-wrap items-center gap-x-6 gap-y-3">
                <Checkbox label={t('form.warmup')} checked={form.warmup} onCheckedChange={(warmup) => change({ warmup })} />
                <Checkbox
                  label={t('form.quality')}
                  checked={form.quality}
                  onCheckedChange={(quality) => change({ quality })}
                />
                <span className="ml-auto flex flex-wrap items-center gap-3">
                  {'body' in found && <Estimate body={found.body} />}
                  <Button type="submit" variant="primary" busy={start.isPending}>
                    {t('form.run')}
                  </Button>
                </span>
              </div>
              {start.error && <Alert tone="bad"><Refusal error={start.error} /></Alert>}
            </form>
          )
        )}
      </Fetched>
    </Card>
  )
}
