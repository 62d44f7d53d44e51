import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { RotateCw, TriangleAlert } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { ApiError, request } from '@/api/client'
import { CodeMissing } from '@/app/page-code'
import { Button } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { Refusal } from '@/components/ui/Refusal'
import { toast } from '@/components/ui/Toast'

/** A page that failed, in its place; the rest of the shell lives on. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation()
  const router = useRouter()
  const message = error instanceof Error ? error.message : String(error)
  const known = error instanceof ApiError
  const missing = error instanceof CodeMissing
  const again = () => {
    if (missing) {
      // Loaded anew while the server is away, there would be no page left to say so.
      void request('/health').then(() => location.reload(), toast.failure)
      return
    }
    reset()
    void router.invalidate()
  }
  return (
    <div role="alert" className="flex h-full items-center justify-center">
      <EmptyState
        icon={<TriangleAlert className="text-bad" />}
        title={known ? t('error.title') : missing ? t('error.code') : t('error.page')}
        actions={
          <Button variant="primary" onClick={again}>
            <RotateCw />
            {missing ? t('action.reload') : t('action.retry')}
          </Button>
        }
      >
        {known && <Refusal error={error} />}
        {missing && <p>{t('error.codeHelp')}</p>}
        {!known && !missing && (
          <>
            <p>{t('error.pageHelp')}</p>
            <pre className="mt-3 max-h-40 overflow-auto rounded-md bg-sunken p-3 text-left text-xs whitespace-pre-wrap">{message}</pre>
          </>
        )}
      </EmptyState>
    </div>
  )
}
