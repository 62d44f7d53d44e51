import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { isLoaded, type Row } from './entries'
import { useLoad } from './use-load'

/** Loads a model, ends its load, or unloads it: whichever its state allows. */
export function LoadButton({ row: { entry, state } }: { row: Row }) {
  const { t } = useTranslation('models')
  const { load, unload } = useLoad()
  // Until its running requests are done, which may take a while: the row tells of it only then.
  const ending = useMutation({ mutationFn: (quietly: boolean) => unload(entry.id, quietly) })
  const name = <span className="sr-only"> {entry.id}</span>
  if (state === 'starting' || isLoaded(state)) {
    const isLoading = state === 'starting'
    return (
      <Button size="sm" busy={ending.isPending} onClick={() => ending.mutate(isLoading)}>
        {t(isLoading ? 'action.cancel' : 'action.unload')}
        {name}
      </Button>
    )
  }
  return (
    <Button size="sm" disabled={state === 'stopping'} onClick={() => void load(entry)}>
      {t(state === 'failed' ? 'action.retry' : 'action.load')}
      {name}
    </Button>
  )
}
