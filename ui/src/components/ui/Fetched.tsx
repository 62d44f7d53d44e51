import { RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { Alert } from './Alert'
import { Button } from './Button'
import { ErrorState } from './ErrorState'
import { Refusal } from './Refusal'
import { SkeletonList } from './Skeleton'

export interface FetchedProps<T> {
  /** As `useQuery` answers. */
  query: { data: T | undefined; error: Error | null; isFetching: boolean; refetch: () => unknown }
  /** The shape of what is coming. */
  pending?: ReactNode
  className?: string
  children: (data: T) => ReactNode
}

/** What a query has: its shape while it comes, the error in its place, and above what is old that it is. */
export function Fetched<T>({ query, pending, className, children }: FetchedProps<T>) {
  const { t } = useTranslation()
  const { data, error, isFetching, refetch } = query
  if (error !== null && (data === undefined || isAnswer(error))) {
    return <ErrorState error={error} onRetry={() => void refetch()} className={className} />
  }
  if (data === undefined) return <>{pending ?? <SkeletonList className={className} />}</>
  return (
    <>
      {error !== null && (
        <Alert
          tone="warn"
          className="mb-3"
          title={t('error.old')}
          actions={
            <Button size="sm" busy={isFetching} onClick={() => void refetch()}>
              <RotateCw />
              {t('action.retry')}
            </Button>
          }
        >
          <Refusal error={error} />
        </Alert>
      )}
      {children(data)}
    </>
  )
}

/** Whether the server said that there is nothing for this reader: what was read before is not theirs, or is no more. A login goes on with it. */
function isAnswer(error: Error): boolean {
  return error instanceof ApiError && [403, 404].includes(error.status)
}
