import { LoginDialog } from '@/features/auth/LoginDialog'
import { CommandPalette } from './CommandPalette'
import { ShortcutHelp } from './ShortcutHelp'

export function Overlays() {
  return (
    <>
      <CommandPalette />
      <ShortcutHelp />
      <LoginDialog />
    </>
  )
}
