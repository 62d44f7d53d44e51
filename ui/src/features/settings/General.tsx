import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { setTheme, THEMES, useTheme } from '@/app/theme'
import { Card } from '@/components/ui/Card'
import { Segmented } from '@/components/ui/Segmented'
import { sendKey, setSendKey } from '@/hooks/send-key'
import { language, LANGUAGES, setLanguage } from '@/i18n/texts'
import { Row } from './Row'

export function General() {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const theme = useTheme()
  const [send, setSend] = useState(sendKey)
  return (
    <>
      <Card title={ts('general.appearance')} description={ts('general.browser')}>
        <Row label={ts('general.language')}>
          <Segmented
            label={ts('general.language')}
            value={language()}
            onValueChange={setLanguage}
            choices={LANGUAGES.map((value) => ({ value, label: <span lang={value}>{t(`language.${value}`)}</span> }))}
          />
        </Row>
        <Row label={ts('general.theme')}>
          <Segmented label={ts('general.theme')} value={theme} onValueChange={setTheme} choices={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))} />
        </Row>
      </Card>
      <Card title={ts('general.chat')} description={ts('general.browser')}>
        <Row label={ts('general.send')} help={ts('general.sendHelp')}>
          <Segmented
            label={ts('general.send')}
            value={send}
            onValueChange={(next) => {
              setSendKey(next)
              setSend(next)
            }}
            choices={[
              { value: 'enter', label: ts('general.enter') },
              { value: 'mod-enter', label: ts('general.mod') },
            ]}
          />
        </Row>
      </Card>
    </>
  )
}
