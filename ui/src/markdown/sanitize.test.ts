import { describe, expect, it } from 'vitest'
import { picture, safeLink } from './sanitize'

describe('safeLink', () => {
  it.each(['https://example.com/a?b#c', 'http://localhost:8080', 'mailto:a@b.c', 'tel:+821012345678', '#part'])(
    'follows %s',
    (address) => {
      expect(safeLink(address)).toBe(address)
    },
  )

  it.each([
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    ' JavaScript:alert(1)',
    '\u0001javascript:x',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'blob:x',
    '//evil.test',
    'relative/path',
    '',
    undefined,
  ])('does not follow %s', (address) => {
    expect(safeLink(address)).toBeNull()
  })
})

describe('picture', () => {
  it('shows what is here already', () => {
    expect(picture('data:image/png;base64,AAAA')).toEqual({ shown: 'data:image/png;base64,AAAA' })
    expect(picture('/api/v1/files/abc-1')).toEqual({ shown: '/api/v1/files/abc-1' })
  })

  it.each([
    'https://example.com/x.png',
    'data:image/svg+xml;base64,AAAA',
    '/api/v1/files/../keys',
    '//evil.test/x.png',
    '/ui/x.png',
  ])('fetches no %s', (address) => {
    expect(picture(address)).toHaveProperty('blocked')
  })
})
