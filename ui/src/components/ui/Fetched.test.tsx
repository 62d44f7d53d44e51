import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import { Fetched } from './Fetched'

const show = (data: string | undefined, error: Error | null) =>
  render(
    <Fetched query={{ data, error, isFetching: false, refetch: () => undefined }} pending={<p>coming</p>}>
      {(text) => <p>{text}</p>}
    </Fetched>,
  )
const failed = (status: number) => new ApiError('no answer', status, 'x', null, null)

it('has its shape while it comes, and the error in its place', () => {
  show(undefined, null)
  expect(screen.getByText('coming')).toBeVisible()
  show(undefined, failed(500))
  expect(screen.getByRole('alert')).toHaveTextContent('no answer')
})

it.each([0, 401])('keeps what was read, and says that it is old (%i)', (status) => {
  show('a list', failed(status))
  expect(screen.getByText('a list')).toBeVisible()
  expect(screen.getByRole('status')).toHaveTextContent('may be old')
  expect(screen.getByRole('button', { name: 'Try again' })).toBeVisible()
})

it.each([403, 404])('keeps nothing that is not for this reader, or is no more (%i)', (status) => {
  show('a list', failed(status))
  expect(screen.queryByText('a list')).toBeNull()
})
