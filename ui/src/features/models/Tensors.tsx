import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { EmptyState } from '@/components/ui/EmptyState'
import { Field } from '@/components/ui/Field'
import { useSettled } from '@/hooks/settled'
import { bytes, number } from '@/i18n/format'

const HEIGHT = 30
const COLUMNS = 'grid grid-cols-[minmax(0,1fr)_4rem_5rem] gap-x-3 px-3 sm:grid-cols-[minmax(0,1fr)_5rem_9rem_5rem]'

/** Every tensor; of thousands only those in sight are in the page. */
export function Tensors({ tensors }: { tensors: readonly Schemas['TensorAnswer'][] }) {
  const { t } = useTranslation('models')
  const [text, setText] = useState('')
  const wanted = useSettled(text, 100).trim().toLowerCase()
  const shown = useMemo(() => tensors.filter((one) => `${one.name} ${one.type}`.toLowerCase().includes(wanted)), [tensors, wanted])
  const box = useRef<HTMLDivElement>(null)
  // oxlint-disable-next-line react/incompatible-library
  const rows = useVirtualizer({ count: shown.length, getScrollElement: () => box.current, estimateSize: () => HEIGHT, overscan: 12 })
  return (
    <div className="flex flex-col gap-3">
      <Field type="search" label={t('tensors.search')} value={text} onValueChange={setText} suffix={t('tensors.total', { shown: number(shown.length), total: number(tensors.length) })} />
      {shown.length === 0 ? (
        <EmptyState title={t('tensors.none', { text })} />
      ) : (
        <div role="table" aria-label={t('tensors.table')} aria-rowcount={shown.length + 1} className="rounded-lg border border-line text-sm">
          <div role="row" className={`${COLUMNS} h-8 items-center border-b border-line bg-sunken text-xs font-medium text-ink-2`}>
            <span role="columnheader">{t('tensors.name')}</span>
            <span role="columnheader">{t('tensors.type')}</span>
            <span role="columnheader" className="hidden sm:block">{t('tensors.shape')}</span>
            <span role="columnheader" className="text-right">{t('tensors.bytes')}</span>
          </div>
          {/* A box that scrolls can be scrolled by keyboard. */}
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <div ref={box} role="rowgroup" tabIndex={0} aria-label={t('tensors.table')} className="h-96 overflow-y-auto">
            <div role="presentation" className="relative" style={{ height: rows.getTotalSize() }}>
              {rows.getVirtualItems().map((item) => {
                const tensor = shown[item.index]
                if (tensor === undefined) return null
                return (
                  <div
                    key={tensor.name}
                    role="row"
                    aria-rowindex={item.index + 2}
                    className={`${COLUMNS} absolute inset-x-0 items-center border-b border-line/60`}
                    style={{ height: HEIGHT, transform: `translateY(${item.start}px)` }}
                  >
                    <span role="cell" className="truncate font-mono text-xs" title={tensor.name}>{tensor.name}</span>
                    <span role="cell">{tensor.type}</span>
                    <span role="cell" className="tabular hidden truncate sm:block">{tensor.shape.join(' × ')}</span>
                    <span role="cell" className="tabular text-right">{bytes(tensor.bytes)}</span>
                  </div>
                )
              })}
            </div>
          </div>
        </div>
      )}
    </div>
  )
}
