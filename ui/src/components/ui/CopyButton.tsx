import { Check, Copy } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { useCopy } from '@/hooks/clipboard'
import { IconButton, type IconButtonProps } from './IconButton'

export interface CopyButtonProps extends Omit<IconButtonProps, 'label' | 'icon' | 'onClick'> {
  /** The text, or where it comes from when it is pressed. */
  text: string | (() => string)
  label?: string
}

export function CopyButton({ text, label, ...rest }: CopyButtonProps) {
  const { t } = useTranslation()
  const { copied, copy } = useCopy()
  return (
    <IconButton
      label={copied ? t('action.copied') : (label ?? t('action.copy'))}
      icon={copied ? <Check className="text-good" /> : <Copy />}
      onClick={() => copy(typeof text === 'string' ? text : text())}
      {...rest}
    />
  )
}
