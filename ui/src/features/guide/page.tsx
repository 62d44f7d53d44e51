import { useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { served } from '@/api/served'
import { Fetched } from '@/components/ui/Fetched'
import { Page } from '@/components/ui/Page'
import { Segmented } from '@/components/ui/Segmented'
import { SkeletonList } from '@/components/ui/Skeleton'
import { guideKey, keyNeeded } from './key'
import { LanguageCard } from './LanguageCard'
import { hashOf, placeOf } from './place'
import { LANGUAGES, TASKS, type Language, type Target, type Task } from './request'
import { TargetBar } from './TargetBar'
import './texts'

/** Examples in seven languages, filled in with this server's address, a model and a key. */
export function GuidePage() {
  const { t } = useTranslation('guide')
  const wanted = placeOf(useLocation({ select: ({ hash }) => hash }))
  const navigate = useNavigate({ from: '/guide' })
  const [opened, setOpened] = useState<readonly Language[]>([])
  const [chosen, setChosen] = useState<Task>('chat')
  const [model, setModel] = useState<string>()
  const key = useStore(guideKey)
  const { data: isKeyNeeded = false } = useQuery(keyNeeded)
  const query = useQuery(served)
  const models = query.data
  const task = wanted?.task ?? chosen
  const chosenModel = models?.find(({ id }) => id === model)?.id
  const usable = models?.filter(({ state }) => state !== 'failed')
  const name = chosenModel ?? (usable?.find(({ state }) => state === 'ready') ?? usable?.[0] ?? models?.[0])?.id ?? 'MODEL'
  const target: Target = { base: location.origin, model: name, key }
  const isOpen = (language: Language) => opened.includes(language) || wanted?.language === language
  const go = (hash: string | undefined) =>
    void navigate({ hash: hash?.slice(1) ?? '', replace: true, resetScroll: false })
  const open = (language: Language, shown: boolean) => {
    const kept = LANGUAGES.filter((each) => (each === language ? shown : isOpen(each)))
    setOpened(kept)
    setChosen(task)
    go(shown ? hashOf({ language, task }) : undefined)
  }
  const choose = (next: Task) => {
    setOpened(LANGUAGES.filter(isOpen))
    setChosen(next)
    go(wanted && hashOf({ language: wanted.language, task: next }))
  }
  return (
    <Page title={t('title')} className="max-w-4xl">
      <p className="-mt-2 text-base text-ink-2">{t('description')}</p>
      <Fetched query={query} pending={<SkeletonList rows={7} />}>
        {(all) => (
          <>
            <TargetBar target={target} models={all} onModel={setModel} isKeyNeeded={isKeyNeeded} />
            <div className="flex flex-wrap items-center gap-3">
              <Segmented<Task>
                label={t('tasks.label')}
                value={task}
                onValueChange={choose}
                choices={TASKS.map((value) => ({ value, label: t(`tasks.${value}`) }))}
              />
              <Hint task={task} model={name} capabilities={all.find(({ id }) => id === name)?.capabilities ?? []} />
            </div>
            <div className="flex flex-col gap-2.5">
              {LANGUAGES.map((language) => (
                <LanguageCard
                  key={language}
                  language={language}
                  task={task}
                  target={target}
                  isOpen={isOpen(language)}
                  onOpenChange={(shown) => open(language, shown)}
                  isWanted={wanted?.language === language}
                />
              ))}
            </div>
          </>
        )}
      </Fetched>
    </Page>
  )
}

function Hint({ task, model, capabilities }: { task: Task; model: string; capabilities: readonly string[] }) {
  const { t } = useTranslation('guide')
  if (task === 'embeddings' && !capabilities.includes('embedding'))
    return <p className="text-sm text-ink-2">{t('cannot.embeddings')}</p>
  if (task === 'tools' && !capabilities.includes('tools'))
    return <p className="text-sm text-ink-2">{t('cannot.tools', { model })}</p>
  return null
}
