import { Link } from '@tanstack/react-router'
import { Box, MessageSquare } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { ErrorState } from '@/components/ui/ErrorState'
import { SkeletonList } from '@/components/ui/Skeleton'
import { isDemo, type Model } from './use-models'

const IDEAS = ['explain', 'code', 'table', 'korean'] as const
const DEMO_IDEAS = ['capital', 'otherCapital', 'story', 'hello'] as const

/** Before the first message: what can be asked, or what is missing for it. */
export function Welcome(props: {
  models: readonly Model[]
  model: Model | undefined
  isLoading: boolean
  error: unknown
  onRetry: () => void
  /** Null for who may not ask. */
  onIdea: ((text: string) => void) | null
}) {
  const { t, i18n } = useTranslation('chat')
  const { models, model, onIdea } = props
  const other = i18n.language === 'ko' ? 'en' : 'ko'
  if (props.error !== null && props.error !== undefined) return <ErrorState error={props.error} onRetry={props.onRetry} className="h-full" />
  if (onIdea === null)
    return (
      <EmptyState className="h-full" icon={<MessageSquare />} title={t('welcome.viewer')}>
        {t('welcome.viewerHelp')}
      </EmptyState>
    )
  if (props.isLoading) return <SkeletonList rows={3} className="mx-auto mt-16 w-full max-w-md px-4" />
  if (models.length === 0)
    return (
      <EmptyState
        className="h-full"
        icon={<Box />}
        title={t('welcome.noModels')}
        actions={
          <Link to="/models" className={buttonClass({ variant: 'primary' })}>
            {t('welcome.addModel')}
          </Link>
        }
      >
        {t('welcome.noModelsHelp')}
      </EmptyState>
    )
  return (
    <div className="flex min-h-full flex-col items-center justify-center gap-5 px-4 py-10">
      <div className="flex size-12 items-center justify-center rounded-xl bg-accent-soft text-accent-ink">
        <MessageSquare aria-hidden />
      </div>
      <div className="text-center">
        <p className="text-xl font-semibold">{t('welcome.title')}</p>
        <p className="mt-1 text-base text-ink-2">{model === undefined ? t('welcome.choose') : t(model.state === 'ready' ? 'welcome.ready' : 'welcome.loads', { model: model.id })}</p>
      </div>
      <ul aria-label={t('welcome.ideas')} className="grid w-full max-w-2xl gap-2 sm:grid-cols-2">
        {(model !== undefined && isDemo(model) ? DEMO_IDEAS : IDEAS).map((idea) => (
          <li key={idea}>
            <button type="button" lang={idea === 'otherCapital' ? other : undefined} onClick={() => onIdea(t(`idea.${idea}`))} className="h-full w-full rounded-lg border border-line bg-surface px-3.5 py-2.5 text-left text-base hover:bg-hover">
              {t(`idea.${idea}`)}
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
