import { useIsFetching, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, CircleX, RotateCw, TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Reason } from '@/components/ui/Reason'
import { detailsQuery } from './queries'

const MARKS = {
  pass: { icon: CircleCheck, tone: 'text-good' },
  warn: { icon: TriangleAlert, tone: 'text-warn' },
  fail: { icon: CircleX, tone: 'text-bad' },
} as const

/** What is checked; behind it may be the file that it is of. Others are files by their names. */
const NAMED = ['folder', 'code', 'weights', 'index', 'tokenizer', 'quantisation', 'numbers', 'chat template'] as const

/** Whether a model's files are whole: of an MLX folder check by check, with how to mend what is not. */
export function Check({ id, details }: { id: string; details: Schemas['ModelDetails'] }) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const { queryKey } = detailsQuery(id)
  const isReading = useIsFetching({ queryKey }) > 0
  const checks = details.checks ?? []
  const named = (name: string) => {
    const known = NAMED.find((one) => name === one || name.startsWith(`${one} `))
    return known === undefined ? name : t(`check.names.${known}`) + name.slice(known.length)
  }
  const failed = checks.some((check) => check.status === 'fail') || typeof details.problem === 'string'
  const warned = checks.some((check) => check.status === 'warn')
  return (
    <div className="flex flex-col gap-4">
      {details.format === 'gguf' ? (
        !failed && <Alert tone="good">{t('check.gguf')}</Alert>
      ) : (
        <>
          <Alert tone={failed ? 'bad' : warned ? 'warn' : 'good'}>{t(failed ? 'check.unsound' : warned ? 'check.warned' : 'check.sound')}</Alert>
          <ul className="divide-y divide-line rounded-lg border border-line">
            {checks.map((check) => {
              const { icon: Mark, tone } = MARKS[check.status]
              return (
                <li key={`${check.name} ${check.found}`} data-check={check.status} className="flex gap-3 px-3 py-2.5">
                  <Mark aria-hidden="true" className={`mt-0.75 size-4 shrink-0 ${tone}`} />
                  <div className="min-w-0">
                    <p className="font-medium">
                      {named(check.name)} <span className={`text-sm font-normal ${tone}`}>{t(`check.${check.status}`)}</span>
                    </p>
                    <p className="text-sm break-words text-ink-2"><Reason>{check.found}</Reason></p>
                    {check.status !== 'pass' && check.mend !== '' && <p className="text-sm break-words">{t('check.mend')} <Reason goesOn>{check.mend}</Reason></p>}
                  </div>
                </li>
              )
            })}
          </ul>
          <p className="text-sm text-ink-3">{t('check.device')}</p>
        </>
      )}
      <Button className="self-start" busy={isReading} onClick={() => void client.invalidateQueries({ queryKey })}>
        <RotateCw />
        {t('check.again')}
      </Button>
    </div>
  )
}
