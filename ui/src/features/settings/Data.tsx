import { useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { buttonClass } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { CopyButton } from '@/components/ui/CopyButton'
import { Capture } from './Capture'
import { valueOf } from './fields'
import { useConfig } from './use-config'

export function Data() {
  const { t } = useTranslation('settings')
  const { data: status } = useQuery(authStatus)
  return (
    <>
      <Card title={t('data.chats')} description={t('data.chatsHelp')}>
        <a href="/api/v1/chats/export" download="dovetail-chats.json" className={buttonClass()}>
          <Download />
          {t('data.export')}
        </a>
      </Card>
      {may(status, 'admin') && <Backup />}
      {may(status, 'admin') && status?.authenticated === true && <Capture />}
    </>
  )
}

function Backup() {
  const { t } = useTranslation('settings')
  const { data: config } = useConfig()
  if (config === undefined) return null
  const command = `dovetail admin backup --home '${String(valueOf(config, 'home'))}' dovetail-backup.tar.gz`
  return (
    <Card title={t('data.backup')} description={t('data.backupHelp')}>
      <div className="flex items-center gap-2 rounded-md bg-sunken px-3 py-1.5">
        <code className="min-w-0 flex-1 font-mono text-sm break-all">{command}</code>
        <CopyButton text={command} />
      </div>
    </Card>
  )
}
