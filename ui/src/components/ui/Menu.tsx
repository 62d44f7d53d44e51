import { Menu as Base } from '@base-ui/react/menu'
import type { ReactElement, ReactNode } from 'react'
import { cn } from './cn'

export interface MenuItem {
  label: ReactNode
  icon?: ReactNode
  onSelect?: () => void
  danger?: boolean
  disabled?: boolean
  /** At the right: keys, or why it is disabled. */
  hint?: ReactNode
  /** One of several, of which the one that holds is marked. */
  checked?: boolean
}

export interface MenuProps {
  /** The button that opens it. */
  trigger: ReactElement
  /** Groups of items, a line between them. */
  groups: readonly (readonly MenuItem[])[]
  align?: 'start' | 'center' | 'end'
  side?: 'top' | 'right' | 'bottom' | 'left'
}

const ITEM =
  'flex min-h-8 w-full items-center gap-2.5 rounded-md px-2.5 py-1 text-base outline-none select-none data-highlighted:bg-hover data-disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-ink-3'

export function Menu({ trigger, groups, align = 'end', side = 'bottom' }: MenuProps) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner align={align} side={side} sideOffset={4} collisionPadding={8} className="z-50 outline-none">
          <Base.Popup className="popup max-h-(--available-height) min-w-44 overflow-y-auto rounded-lg border border-line bg-raised p-1 text-ink shadow-lg outline-none">
            {groups.map((items, index) => (
              // Groups of a menu are never moved among themselves.
              <Base.Group key={index} className={cn(index > 0 && 'mt-1 border-t border-line pt-1')}>
                {items.map((item, place) => (
                  <Base.Item
                    key={place}
                    disabled={item.disabled}
                    onClick={item.onSelect}
                    {...(item.checked !== undefined && { role: 'menuitemradio', 'aria-checked': item.checked })}
                    className={cn(ITEM, item.danger === true && 'text-bad data-highlighted:bg-bad-soft [&_svg]:text-bad')}
                  >
                    {item.icon}
                    <span className="min-w-0 flex-1 truncate">{item.label}</span>
                    {item.hint !== undefined && <span className="text-xs text-ink-3">{item.hint}</span>}
                    {item.checked === true && <span aria-hidden="true">✓</span>}
                  </Base.Item>
                ))}
              </Base.Group>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
