import { useQueryClient } from '@tanstack/react-query'
import { Download, Trash2, Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { deleteAllChats, importChats } from '@/api/chats'
import { Button, buttonClass } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { toast } from '@/components/ui/Toast'

/** All of one's conversations: to a file, out of one, and gone. */
export function Conversations() {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const picker = useRef<HTMLInputElement>(null)
  const [asking, setAsking] = useState(false)
  const [busy, setBusy] = useState(false)
  const again = () => client.invalidateQueries({ queryKey: ['chats'] })
  const takeIn = async (file: File) => {
    setBusy(true)
    try {
      const { length: count } = await importChats(file)
      toast.success(t('data.imported', { count }))
    } catch (failure) {
      toast.failure(failure)
    }
    setBusy(false)
    await again()
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
      <input
        ref={picker}
        type="file"
        hidden
        accept=".json,.jsonl,application/json"
        data-testid="import-chats"
        onChange={(event) => {
          const file = event.target.files?.[0]
          if (file !== undefined) void takeIn(file)
          event.target.value = ''
        }}
      />
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t('data.deleteTitle')}
        description={t('data.deleteConfirm')}
        action={t('data.deleteAll')}
        typed={t('data.deleteWord')}
        typedLabel={t('data.deleteTyped', { word: t('data.deleteWord') })}
        onConfirm={() => deleteAllChats().finally(again)}
      />
    </Card>
  )
}
