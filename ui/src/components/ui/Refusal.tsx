import { asApiError } from '@/api/client'

/** What failed and what to do; beneath it the server's own words, where they say more. */
export function Refusal({ error }: { error: unknown }) {
  const { message, detail } = asApiError(error)
  return (
    <>
      <p className="break-words">{message}</p>
      {detail !== undefined && (
        <p lang="en" className="mt-0.5 text-xs break-words whitespace-pre-line">
          {detail}
        </p>
      )}
    </>
  )
}
