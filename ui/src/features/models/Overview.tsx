import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Badge } from '@/components/ui/Badge'
import { CopyButton } from '@/components/ui/CopyButton'
import { Fetched } from '@/components/ui/Fetched'
import { Reason } from '@/components/ui/Reason'
import { SkeletonList } from '@/components/ui/Skeleton'
import { bytes, list, number } from '@/i18n/format'
import { CodeBlock } from '@/markdown/CodeBlock'
import '@/markdown/markdown.css'
import { isLanguageModel, type Row } from './entries'
import { memory, parameters, tokens } from './figures'
import { FormatBadge } from './FormatBadge'
import { detailsQuery } from './queries'
import { StateMark } from './StateMark'
import { TypeShares } from './TypeShares'

type Details = Schemas['ModelDetails']

/** What a model is, in figures. */
export function Overview({ row }: { row: Row }) {
  const { t } = useTranslation('models')
  const { entry } = row
  return (
    <div className="flex flex-col gap-5">
      {row.reason !== null && row.state === 'failed' && (
        <Alert tone="bad" title={t('overview.reason')}>
          <Reason>{row.reason}</Reason>
        </Alert>
      )}
      <Facts>
        <Fact name={t('overview.id')}>
          <span className="break-all">{entry.id}</span>
          <CopyButton size="sm" text={entry.id} />
        </Fact>
        {entry.aliases.length > 0 && <Fact name={t('overview.aliases')}>{list(entry.aliases)}</Fact>}
        <Fact name={t('overview.now')}>
          <StateMark row={row} />
          {row.memory !== null && <span className="tabular">{memory(row.memory)}</span>}
        </Fact>
        <Fact name={t('overview.can')}>
          {entry.capabilities.map((one) => (
            <Badge key={one}>{t(`capability.${one as 'chat'}`, { defaultValue: one })}</Badge>
          ))}
        </Fact>
        <Fact name={t('overview.source')}>
          <FormatBadge format={entry.format} />
          {t(`overview.sourceIs.${entry.source}`)}
        </Fact>
        {entry.path !== null && (
          <Fact name={t('overview.path')}>
            <span className="font-mono text-sm break-all">{entry.path}</span>
            <CopyButton size="sm" text={entry.path} label={t('action.copyPath')} />
          </Fact>
        )}
      </Facts>
      {entry.format === 'remote' && <Alert>{t('drawer.remote', { url: String(entry.settings['url'] ?? '') })}</Alert>}
      {isLanguageModel(entry.format) && <OfFiles id={entry.id} />}
    </div>
  )
}

function OfFiles({ id }: { id: string }) {
  return (
    <Fetched query={useQuery(detailsQuery(id))} pending={<SkeletonList rows={4} />}>
      {(details) => (
        <>
          <Numbers details={details} />
          <Types details={details} />
          <Template text={details.template} />
        </>
      )}
    </Fetched>
  )
}

function Numbers({ details }: { details: Details }) {
  const { t } = useTranslation('models')
  const rope = Object.entries(details.rope ?? {}).map(([key, value]) => `${key} ${String(value)}`)
  const tokenizer = details.tokenizer?.['model']
  return (
    <Facts>
      <Fact name={t('overview.architecture')}>{details.architecture}</Fact>
      <Fact name={t('overview.parameters')}>
        <span title={number(details.parameters)}>{parameters(details.parameters)}</span>
      </Fact>
      <Fact name={t('overview.quantisation')}>
        {details.quantisation}
        {details.group_size !== null && details.group_size !== undefined && ` (${t('overview.groupSize', { value: number(details.group_size) })})`}
      </Fact>
      <Fact name={t('overview.bits')}>{number(details.bits_per_weight, 2)}</Fact>
      <Fact name={t('overview.size')}>{bytes(details.bytes)}</Fact>
      <Fact name={t('overview.trained')}>
        {tokens(details.context)} {t('load.tokens')}
      </Fact>
      <Fact name={t('overview.layers')}>{number(details.layers)}</Fact>
      <Fact name={t('overview.width')}>{number(details.width)}</Fact>
      <Fact name={t('overview.heads')}>
        {number(details.heads)} ({t('overview.kvHeads', { value: number(details.kv_heads) })})
      </Fact>
      <Fact name={t('overview.vocabulary')}>{t('overview.tokens', { value: number(details.vocabulary) })}</Fact>
      {rope.length > 0 && <Fact name={t('overview.rope')}>{rope.join(', ')}</Fact>}
      {typeof tokenizer === 'string' && <Fact name={t('overview.tokenizer')}>{tokenizer}</Fact>}
    </Facts>
  )
}

function Types({ details }: { details: Details }) {
  const { t } = useTranslation('models')
  const letters = Object.entries(details.qkv)
  return (
    <section className="flex flex-col gap-3">
      <h3 className="text-base font-semibold">{t('overview.types')}</h3>
      <TypeShares types={details.types} />
      {letters.length > 0 && (
        <Facts>
          <Fact name={t('overview.qkv')}>
            <ul className="flex flex-wrap gap-x-4 gap-y-1" data-testid="qkv">
              {letters.map(([letter, found]) => (
                <li key={letter}>
                  <strong className="font-semibold">{letter.toUpperCase()}</strong>{' '}
                  {Object.entries(found)
                    .map(([type, count]) => (Object.keys(found).length === 1 ? type : t('overview.qkvLayers', { type, value: number(count) })))
                    .join(', ')}
                </li>
              ))}
            </ul>
          </Fact>
        </Facts>
      )}
    </section>
  )
}

function Template({ text }: { text: string | null }) {
  const { t } = useTranslation('models')
  return (
    <section>
      <h3 className="text-base font-semibold">{t('overview.template')}</h3>
      {text === null ? (
        <p className="mt-2 text-base text-ink-2">{t('overview.noTemplate')}</p>
      ) : (
        <CodeBlock code={text} language="jinja" isOpen={false} />
      )}
    </section>
  )
}

function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[minmax(6rem,9rem)_minmax(0,1fr)] gap-x-4 gap-y-2 text-base">{children}</dl>
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-2">{name}</dt>
      <dd className="flex min-w-0 flex-wrap items-center gap-2 wrap-anywhere">{children}</dd>
    </>
  )
}
