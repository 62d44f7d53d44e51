import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { Card } from '@/components/ui/Card'
import { CopyButton } from '@/components/ui/CopyButton'
import { Capture } from './Capture'
import { Conversations } from './Conversations'
import { valueOf } from './fields'
import { useConfig } from './use-config'

export function Data() {
  const { data: status } = useQuery(authStatus)
  return (
    <>
      <Conversations />
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
