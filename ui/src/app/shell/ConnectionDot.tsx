import { useTranslation } from 'react-i18next'
import { Dot } from '@/components/ui/Dot'
import { useLink } from '@/realtime/hub'

const TONES = { live: 'good', connecting: 'warn', lost: 'bad', paused: 'off' } as const

/** Whether what is shown is now. A change is read aloud. */
export function ConnectionDot() {
  const { t } = useTranslation()
  const link = useLink()
  return (
      <span role="status" data-link={link} title={link === 'lost' || link === 'live' ? t(`connection.${link}Help`) : undefined} className="flex items-center gap-1.5">
        <Dot tone={TONES[link]} pulse={link === 'connecting'} />
        {t(`connection.${link}`)}
      </span>
  )
}
