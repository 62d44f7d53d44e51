// What the server's refusals mean, for those who do not read English: the server says them in English alone.
import type { Language } from '@/i18n/texts'

const KO: Record<string, string> = {
  wrong_password: '이름 또는 비밀번호가 올바르지 않습니다.',
  too_many_attempts: '로그인 시도가 너무 많았습니다. 잠시 후 다시 시도하세요.',
  too_many_logins: '동시에 너무 많은 로그인이 진행 중입니다. 잠시 후 다시 시도하세요.',
  weak_password: '비밀번호는 8자 이상 256자 이하여야 하며, 쉽게 추측할 수 있는 것은 사용할 수 없습니다.',
  setup_code: '서버 로그에 표시된 설정 코드가 필요합니다. 코드를 확인하고 다시 입력하세요.',
  already_set_up: '최고 관리자가 이미 있습니다. 로그인하세요.',
  session_ended: '세션이 만료되었습니다. 다시 로그인하세요.',
  access_changed: '권한이 변경되었습니다. 다시 시도하세요.',
  forbidden: '이 작업을 할 권한이 없습니다. 서버 관리자에게 필요한 역할을 요청하세요.',
  key_scope: '이 키로는 할 수 없는 작업입니다. 로그인해서 사용하세요.',
  super_admin: '최고 관리자 계정은 여기에서 변경할 수 없습니다.',
  name_taken: '이미 있는 이름입니다. 다른 이름을 입력하세요.',
  account_not_found: '그런 계정이 없습니다. 목록을 새로고침하세요.',
  key_not_found: '그런 키가 없습니다. 이미 폐기되었을 수 있습니다.',
  session_not_found: '그런 세션이 없습니다. 이미 종료되었을 수 있습니다.',
  capture_is_off: '이 서버에서는 요청 기록이 꺼져 있습니다(log.capture_minutes = 0).',
  file_only: '이 설정은 서버의 dovetail.toml 파일에서만 변경할 수 있습니다.',
  invalid_configuration: '설정 값이 올바르지 않아 변경하지 않았습니다.',
  config_conflict: '그사이 설정이 다른 곳에서 변경되었습니다. 새로고침한 뒤 다시 시도하세요.',
  bad_origin: '다른 사이트의 페이지에서는 이 서버를 사용할 수 없습니다.',
  rate_limit_exceeded: '요청이 너무 많습니다. 잠시 후 다시 시도하세요.',
  model_not_found: '그런 이름의 모델이 없습니다. 모델 페이지에서 목록을 확인하세요.',
  queue_full: '대기 중인 요청이 너무 많습니다. 잠시 후 다시 시도하세요.',
  request_too_large: '요청이 너무 큽니다. 첨부 파일이나 내용을 줄이세요.',
  insufficient_storage: '디스크 공간이 부족합니다. 공간을 확보한 뒤 다시 시도하세요.',
  shutting_down: '서버가 종료되는 중입니다. 잠시 후 다시 시도하세요.',
  bad_name: '사용할 수 없는 이름입니다. 다른 이름을 입력하세요.',
  access_revoked: '권한이 취소되었습니다. 다시 로그인하세요.',
  too_many_keys: '키가 너무 많습니다. 사용하지 않는 키를 폐기하세요.',
  too_many_streams: '열려 있는 실시간 연결이 너무 많습니다. 다른 탭을 닫고 다시 시도하세요.',
  insufficient_memory: '메모리가 부족해 모델을 불러올 수 없습니다. 다른 모델을 내리거나 컨텍스트를 줄이세요.',
  context_length_exceeded: '대화가 모델의 컨텍스트보다 깁니다. 새 채팅을 시작하거나 컨텍스트를 늘리세요.',
  worker_crashed: '모델 프로세스가 중단되었습니다. 자동으로 다시 시작되니 잠시 후 다시 시도하세요.',
  worker_stalled: '모델이 응답하지 않아 다시 시작하고 있습니다. 잠시 후 다시 시도하세요.',
  internal_error: '서버에서 문제가 발생했습니다. 자세한 내용은 서버 로그에 있습니다.',
  capture_is_on: '요청 기록이 이미 켜져 있습니다.',
  not_found: '요청한 항목이 없습니다. 삭제되었을 수 있습니다.',
}

/** The refusal in the reader's language, with the server's own words where there are no others. */
export function inWords(code: string, message: string, language: Language): string {
  const known = language === 'ko' ? KO[code] : undefined
  return known ?? message
}
