import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { RotateCw, TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { Button } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'

/** A page that failed, in its place; the rest of the shell lives on. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  const message = error instanceof Error ? error.message : String(error)
  const stale = /dynamically imported module|Importing a module|module script/i.test(message)
  const again = () => {
    if (stale) {
      location.reload()
      return
    }
    reset()
    void router.invalidate()
  }
  const known = error instanceof ApiError
  return (
    <div role="alert" className="flex h-full items-center justify-center">
      <EmptyState
        icon={<TriangleAlert className="text-bad" />}
        title={known ? t('error.title') : stale ? t('error.stale') : t('error.page')}
        actions={
          <Button variant="primary" onClick={again}>
            <RotateCw />
            {stale ? t('action.reload') : t('action.retry')}
          </Button>
        }
      >
        {known ? (
          <p>{error.message}</p>
        ) : (
          !stale && (
            <>
              <p>{t('error.pageHelp')}</p>
              <pre className="mt-3 max-h-40 overflow-auto rounded-md bg-sunken p-3 text-left text-xs whitespace-pre-wrap">{message}</pre>
            </>
          )
        )}
      </EmptyState>
    </div>
  )
}
