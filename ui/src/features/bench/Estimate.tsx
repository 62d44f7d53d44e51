import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data } from '@/api/client'
import { Refusal } from '@/components/ui/Refusal'
import { dotted, duration, number } from '@/i18n/format'
import { benchKeys } from './queries'
import type { Body } from './run-form'

const STILL = 300

/** How long a benchmark would take, asked for once the form has been left alone for a moment. */
export function Estimate({ body }: { body: Body }) {
  const { t } = useTranslation('bench')
  const wanted = JSON.stringify({ ...body, name: '' })
  const [asked, setAsked] = useState(wanted)
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), STILL)
    return () => clearTimeout(timer)
  }, [wanted])
  const { data: found, error } = useQuery({
    queryKey: [...benchKeys.all, 'estimate', asked],
    queryFn: () => data(api.POST('/api/v1/benchmarks/estimate', { body: JSON.parse(asked) as Body })),
    retry: false,
  })
  const said =
    found === undefined || asked !== wanted
      ? t('form.estimating')
      : dotted([
          t('form.estimate', { duration: duration(Math.max(1, Math.round(found.seconds))), steps: number(found.steps) }),
          t(found.measured ? 'form.measured' : 'form.guessed'),
        ])
  return (
    <div role="status" className={`tabular text-sm ${error ? 'text-bad' : 'text-ink-2'}`}>
      {error ? <Refusal error={error} /> : said}
    </div>
  )
}
