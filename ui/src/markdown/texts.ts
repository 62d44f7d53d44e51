import { addTexts } from '@/i18n/texts'

const en = {
  plain: 'text',
  code: 'Code: {{language}}',
  wrap: 'Wrap lines',
  download: 'Download',
  copy: 'Copy code',
  copied: 'Copied',
  more: 'Show all {{lines}} lines',
  less: 'Show less',
  table: 'Table',
  copyTable: 'Copy table',
  picture: 'Picture from {{host}}, not loaded',
  brokenPicture: 'A picture that cannot be shown',
}

const ko: typeof en = {
  plain: '텍스트',
  code: '코드: {{language}}',
  wrap: '줄 바꿈',
  download: '내려받기',
  copy: '코드 복사',
  copied: '복사됨',
  more: '전체 {{lines}}줄 보기',
  less: '접기',
  table: '표',
  copyTable: '표 복사',
  picture: '{{host}}의 그림(불러오지 않음)',
  brokenPicture: '표시할 수 없는 그림',
}

declare module '@/i18n/texts' {
  interface Texts {
    markdown: typeof en
  }
}

addTexts('markdown', { en, ko })
