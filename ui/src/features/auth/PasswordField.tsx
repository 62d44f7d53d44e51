import { Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field, type FieldProps } from '@/components/ui/Field'
import './texts'

/** A password, to be seen by who wants to. */
export function PasswordField(props: Omit<FieldProps, 'type' | 'suffix'>) {
  const { t } = useTranslation('auth')
  const [shown, setShown] = useState(false)
  const Icon = shown ? EyeOff : Eye
  return (
    <Field
      {...props}
      type={shown ? 'text' : 'password'}
      autoCapitalize="none"
      spellCheck={false}
      suffix={
        <button
          type="button"
          aria-label={shown ? t('login.hide') : t('login.show')}
          onClick={() => setShown(!shown)}
          className="flex size-6.5 items-center justify-center rounded-sm hover:text-ink"
        >
          <Icon className="size-4" />
        </button>
      }
    />
  )
}
