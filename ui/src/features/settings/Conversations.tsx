import { useQueryClient } from '@tanstack/react-query'
import { Download, Trash2, Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deleteAllChats } from '@/api/chats'
import { keys } from '@/api/keys'
import { Button, buttonClass } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { FilePicker } from '@/components/ui/FilePicker'
import { toast } from '@/components/ui/Toast'
import { CHAT_FILES, useChatImport } from '@/hooks/chat-import'

/** All of one's conversations: to a file, out of one, and gone. */
export function Conversations() {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const picker = useRef<HTMLInputElement>(null)
  const [asking, setAsking] = useState(false)
  const [busy, setBusy] = useState(false)
  const takeIn = useChatImport()
  const deleteAll = async () => {
    try {
      await deleteAllChats()
      client.removeQueries({ queryKey: keys.chat })
    } finally {
      await client.invalidateQueries({ queryKey: keys.chats })
    }
  }
  const importFile = async (file: File) => {
    setBusy(true)
    await takeIn(file).catch(toast.failure)
    setBusy(false)
  }
  return (
    <Card title={t('data.chats')} description={t('data.chatsHelp')}>
      <div className="flex flex-wrap gap-2">
        <a href="/api/v1/chats/export" download="dovetail-chats.json" className={buttonClass()}>
          <Download />
          {t('data.export')}
        </a>
        <Button busy={busy} onClick={() => picker.current?.click()}>
          <Upload />
          {t('data.import')}
        </Button>
        <Button variant="danger" onClick={() => setAsking(true)}>
          <Trash2 />
          {t('data.deleteAll')}
        </Button>
      </div>
      <FilePicker ref={picker} accept={CHAT_FILES} testId="import-chats" onFiles={([file]) => file && void importFile(file)} />
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t('data.deleteTitle')}
        description={t('data.deleteConfirm')}
        action={t('data.deleteAll')}
        typed={t('data.deleteWord')}
        typedLabel={t('data.deleteTyped', { word: t('data.deleteWord') })}
        onConfirm={deleteAll}
      />
    </Card>
  )
}
