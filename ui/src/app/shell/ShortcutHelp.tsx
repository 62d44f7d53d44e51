import { useTranslation } from 'react-i18next'
import { Dialog } from '@/components/ui/Dialog'
import { Keys } from '@/components/ui/Keys'
import { useShortcuts } from '@/hooks/shortcuts'
import { setHelpOpen, useHelpOpen } from './help'

/** The list of shortcuts that there are now. */
export function ShortcutHelp() {
  const { t } = useTranslation()
  const open = useHelpOpen()
  const shortcuts = useShortcuts().filter((one) => one.label !== '')
  const scopes = (['general', 'page'] as const).filter((scope) => shortcuts.some((one) => one.scope === scope))
  return (
    <Dialog open={open} onOpenChange={setHelpOpen} title={t('shortcuts.title')} size="sm">
      <div className="flex flex-col gap-4 pb-2">
        {scopes.map((scope) => (
          <section key={scope}>
            <h3 className="mb-1 text-xs font-medium text-ink-3">{t(`shortcuts.${scope}`)}</h3>
            <dl>
              {shortcuts
                .filter((one) => one.scope === scope)
                .map((one) => (
                  <div key={`${one.keys}-${one.label}`} className="flex items-center gap-3 border-b border-line py-1.5 last:border-0">
                    <dt className="flex-1">{one.label}</dt>
                    <dd>
                      <Keys keys={one.keys} />
                    </dd>
                  </div>
                ))}
              {scope === 'general' && (
                <div className="flex items-center gap-3 py-1.5">
                  <dt className="flex-1">{t('shortcuts.close')}</dt>
                  <dd>
                    <Keys keys="escape" />
                  </dd>
                </div>
              )}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
