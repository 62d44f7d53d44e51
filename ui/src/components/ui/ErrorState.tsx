import { RotateCw, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './Button'
import { EmptyState } from './EmptyState'
import { Refusal } from './Refusal'

export interface ErrorStateProps {
  error: unknown
  onRetry?: () => void
  title?: ReactNode
  className?: string
}

/** In the place of what could not be fetched: what happened, what to do, and a way to try again. */
export function ErrorState({ error, onRetry, title, className }: ErrorStateProps) {
  const { t } = useTranslation()
  return (
    <EmptyState
      role="alert"
      className={className}
      icon={<TriangleAlert className="text-bad" />}
      title={title ?? t('error.title')}
      actions={
        onRetry && (
          <Button onClick={onRetry}>
            <RotateCw />
            {t('action.retry')}
          </Button>
        )
      }
    >
      <Refusal error={error} />
    </EmptyState>
  )
}
