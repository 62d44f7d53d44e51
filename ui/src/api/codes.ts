// What the server's refusals mean, in Korean: the server says them in English alone.

/** These say all that the server does. */
const WHOLE: Record<string, string> = {
  wrong_password: '이름 또는 비밀번호가 올바르지 않습니다.',
  too_many_attempts: '로그인 시도가 너무 많았습니다. 잠시 후 다시 시도하세요.',
  too_many_logins: '동시에 너무 많은 로그인이 진행 중입니다. 잠시 후 다시 시도하세요.',
  weak_password: '비밀번호는 8자 이상 256자 이하여야 하며, 쉽게 추측할 수 있는 것은 사용할 수 없습니다.',
  setup_code: '서버 로그에 표시된 설정 코드가 필요합니다. 코드를 확인하고 다시 입력하세요.',
  already_set_up: '최고 관리자가 이미 있습니다. 로그인하세요.',
  session_ended: '세션이 만료되었습니다. 다시 로그인하세요.',
  invalid_api_key: '로그인이 필요합니다. 로그인한 뒤 다시 시도하세요.',
  access_changed: '권한이 변경되었습니다. 다시 시도하세요.',
  access_revoked: '권한이 취소되었습니다. 다시 로그인하세요.',
  super_admin: '최고 관리자 계정은 여기에서 변경할 수 없습니다.',
  account_not_found: '그런 계정이 없습니다. 목록을 새로고침하세요.',
  key_not_found: '그런 키가 없습니다. 이미 폐기되었을 수 있습니다.',
  session_not_found: '그런 세션이 없습니다. 이미 종료되었을 수 있습니다.',
  capture_is_off: '이 서버에서는 요청 기록이 꺼져 있습니다(log.capture_minutes = 0).',
  capture_is_on: '요청 기록이 이미 켜져 있습니다.',
  config_conflict: '그사이 설정이 다른 곳에서 변경되었습니다. 새로고침한 뒤 다시 시도하세요.',
  bad_origin: '다른 사이트의 페이지에서는 이 서버를 사용할 수 없습니다.',
  queue_full: '대기 중인 요청이 너무 많습니다. 잠시 후 다시 시도하세요.',
  shutting_down: '서버가 종료되는 중입니다. 잠시 후 다시 시도하세요.',
  database_busy: '데이터베이스가 사용 중입니다. 잠시 후 다시 시도하세요.',
  too_many_streams: '열려 있는 실시간 연결이 너무 많습니다. 다른 탭을 닫고 다시 시도하세요.',
  model_unloaded: '요청을 처리하는 동안 모델이 내려갔습니다. 다시 보내세요.',
  model_not_loaded: '불러온 모델이 아닙니다.',
  cancelled: '취소되었습니다.',
  message_changed: '그사이 메시지가 수정되었습니다. 다시 시도하세요.',
  chat_running: '이 대화에서 답변을 쓰고 있습니다. 끝나기를 기다리거나 중지하세요.',
  chat_not_found: '그런 대화가 없습니다. 삭제되었을 수 있습니다.',
  request_not_found: '이미 끝난 요청입니다.',
  download_not_found: '그런 다운로드가 없습니다. 목록에서 지워졌을 수 있습니다.',
  benchmark_not_found: '그런 벤치마크가 없습니다. 삭제되었을 수 있습니다.',
  benchmark_running: '벤치마크가 실행 중입니다. 끝나기를 기다리거나 취소하세요.',
  response_not_found: '그런 응답이 없습니다. 삭제되었거나 보관 기간이 지났을 수 있습니다.',
  completion_not_found: '그런 응답이 없습니다. 삭제되었거나 보관 기간이 지났을 수 있습니다.',
  previous_response_not_found: '이어서 쓸 응답이 없습니다. 삭제되었거나 보관 기간이 지났을 수 있습니다.',
  message_not_found: '그런 메시지가 없습니다. 삭제되었을 수 있습니다.',
  run_not_found: '그런 답변이 없습니다. 이미 끝났을 수 있습니다.',
  preset_not_found: '그런 프리셋이 없습니다. 삭제되었을 수 있습니다.',
  file_not_found: '그런 파일이 없습니다. 삭제되었을 수 있습니다.',
  interrupted: '답변을 쓰는 동안 서버가 종료되었습니다. 여기까지가 전부이니 이어서 쓰게 하거나 다시 물어보세요.',
}

/** To these the server adds what only it knows: a name, a number, a reason. */
const MORE: Record<string, string> = {
  forbidden: '이 작업을 할 권한이 없습니다. 서버 관리자에게 필요한 역할을 요청하세요.',
  key_scope: '이 키로는 할 수 없는 작업입니다. 로그인해서 사용하세요.',
  name_taken: '이미 있는 이름입니다. 다른 이름을 입력하세요.',
  bad_name: '사용할 수 없는 이름입니다. 다른 이름을 입력하세요.',
  file_only: '이 설정은 서버의 dovetail.toml 파일에서만 변경할 수 있습니다.',
  invalid_configuration: '설정 값이 올바르지 않아 변경하지 않았습니다.',
  path_not_allowed: '이 서버가 읽을 수 있는 폴더가 아닙니다. 모델 폴더 안의 경로를 입력하세요.',
  model_not_found: '그런 이름의 모델이 없습니다. 모델 페이지에서 목록을 확인하세요.',
  adapter_not_found: '그런 어댑터가 없습니다. 목록을 확인하세요.',
  invalid_adapter: '이 모델에 적용할 수 없는 어댑터입니다.',
  invalid_model_file: '모델 파일이 올바르지 않아 사용할 수 없습니다.',
  remote_code_not_allowed: '모델에 프로그램 코드가 들어 있어 불러오지 않았습니다.',
  model_failed: '모델을 불러오지 못했습니다. 이유를 확인하고 다시 시도하세요.',
  model_in_folder: '폴더에서 찾은 모델이라 목록에서만 지울 수는 없습니다.',
  insufficient_memory: '메모리가 부족해 모델을 불러올 수 없습니다. 다른 모델을 내리거나 컨텍스트를 줄이세요.',
  insufficient_storage: '디스크 공간이 부족합니다. 공간을 확보한 뒤 다시 시도하세요.',
  quota_exceeded: '보관할 수 있는 용량을 넘었습니다. 필요 없는 대화나 파일을 삭제하세요.',
  request_too_large: '요청이 너무 큽니다. 첨부 파일이나 내용을 줄이세요.',
  context_length_exceeded: '대화가 모델의 컨텍스트보다 깁니다. 새 채팅을 시작하거나 컨텍스트를 늘리세요.',
  unsupported_modality: '이 모델이 처리할 수 없는 형식의 내용입니다.',
  invalid_media: '파일을 읽을 수 없습니다. 다른 파일을 사용하세요.',
  queue_timeout: '너무 오래 기다려 요청을 그만두었습니다. 잠시 후 다시 시도하세요.',
  busy: '서버가 바쁩니다. 잠시 후 다시 시도하세요.',
  server_busy: '다른 요청이 실행 중이라 지금은 측정할 수 없습니다.',
  worker_crashed: '모델 프로세스가 중단되었습니다. 자동으로 다시 시작되니 잠시 후 다시 시도하세요.',
  worker_stalled: '모델이 응답하지 않아 다시 시작하고 있습니다. 잠시 후 다시 시도하세요.',
  engine_failure: '모델을 실행하는 중에 문제가 발생했습니다.',
  internal_error: '서버에서 문제가 발생했습니다. 자세한 내용은 서버 로그에 있습니다.',
  too_many_keys: '키가 너무 많습니다. 사용하지 않는 키를 폐기하세요.',
  download_exists: '이미 내려받고 있거나 진행 중인 다운로드가 너무 많습니다.',
  download_state: '지금 상태에서는 할 수 없는 작업입니다.',
  download_failed: '내려받지 못했습니다. 이유를 확인하고 다시 시도하세요.',
  checksum_mismatch: '내려받은 파일의 체크섬이 맞지 않습니다. 다시 시도하세요.',
  fetch_failed: '파일을 가져오지 못했습니다.',
  not_found: '요청한 항목이 없습니다. 삭제되었을 수 있습니다.',
  speech_disabled: '음성 인식이 꺼져 있습니다. 설정에서 켜세요.',
  not_implemented: '이 서버에 없는 기능입니다.',
  rate_limit_exceeded: '요청이 너무 많아 한도를 넘었습니다. 잠시 후 다시 시도하세요.',
  invalid_request: '요청이 올바르지 않습니다. 이유를 확인하고 고쳐서 다시 시도하세요.',
  invalid_json: '요청이 올바른 JSON이 아닙니다. 고쳐서 다시 시도하세요.',
  json_too_deep: 'JSON이 너무 깊게 중첩되어 있습니다. 더 단순하게 고쳐서 다시 시도하세요.',
  invalid_http: '서버가 이해할 수 없는 HTTP 요청입니다.',
  unsupported_field: '이 서버가 지원하지 않는 항목이 요청에 있습니다. 그 항목을 빼고 다시 시도하세요.',
  unknown_field: '이 서버가 모르는 항목이 요청에 있습니다. 그 항목을 빼고 다시 시도하세요.',
  remote_media_off: '이 서버는 다른 주소의 파일을 가져오지 않습니다. 파일을 직접 첨부하세요.',
  too_many_files: '이미지와 음성이 너무 많습니다. 개수를 줄여서 다시 시도하세요.',
  not_a_reranker: '문서의 순위를 매기는 모델이 아닙니다. 다른 모델을 선택하세요.',
  invalid_import: '가져올 수 없는 파일입니다. 내보낸 대화 파일인지 확인하세요.',
  invalid_multipart: '함께 보낸 파일을 읽을 수 없습니다. 다시 시도하세요.',
  invalid_audio: '녹음을 읽을 수 없습니다. 다른 파일을 사용하세요.',
  unsupported_language: '이 모델이 모르는 언어입니다. 다른 언어를 선택하세요.',
  unsupported_task: '이 모델이 할 수 없는 작업입니다. 다른 모델을 선택하세요.',
  method_not_allowed: '이 주소에서 할 수 없는 동작입니다.',
  too_many_chats: '대화가 너무 많습니다. 필요 없는 대화를 삭제하세요.',
  too_many_messages: '대화에 메시지가 너무 많습니다. 새 채팅을 시작하세요.',
  too_many_presets: '프리셋이 너무 많습니다. 필요 없는 프리셋을 삭제하세요.',
  unknown_host: '서버가 모르는 주소로 접속했습니다. 서버 관리자에게 server.allowed_hosts에 추가해 달라고 요청하세요.',
  request_timeout: '시간이 너무 오래 걸려 요청을 그만두었습니다. 다시 시도하세요.',
  recording_too_long: '녹음이 너무 깁니다. 나누어서 보내세요.',
  unsupported_media_type: '서버가 받지 않는 형식입니다.',
  head_too_large: '요청의 헤더가 너무 큽니다. 이 사이트의 쿠키를 지우고 다시 시도하세요.',
  too_many_answers: '동시에 받을 수 있는 답변 수를 넘었습니다. 하나가 끝난 뒤 다시 시도하세요.',
  too_many_runs: '쓰고 있는 답변이 너무 많습니다. 하나가 끝나기를 기다리거나 중지하세요.',
  too_many_connections: '서버에 연결이 너무 많습니다. 잠시 후 다시 시도하세요.',
  model_output_invalid: '모델이 쓸 수 없는 값을 내놓았습니다. 다시 시도하거나 다른 모델을 선택하세요.',
  model_downloading: '모델을 내려받는 중입니다. 끝난 뒤 다시 시도하세요.',
  uploads_full: '다른 녹음을 처리하느라 자리가 없습니다. 잠시 후 다시 시도하세요.',
  remote_refused: '모델이 있는 다른 서버가 요청을 거절했습니다. 그 모델의 설정을 확인하세요.',
  no_journal: '이 서버는 끝난 요청의 기록을 보관하지 않습니다.',
  chats_unusable: '대화를 보관하는 파일을 사용할 수 없습니다. 자세한 내용은 서버 로그에 있습니다.',
}

/** For what has no sentence of its own, by its status. */
function byStatus(status: number): string {
  if (status === 404) return '요청한 항목이 없습니다. 삭제되었을 수 있습니다.'
  if (status === 403) return '이 작업을 할 수 없습니다.'
  if (status === 429 || status === 503) return '지금은 처리할 수 없습니다. 잠시 후 다시 시도하세요.'
  if (status >= 500) return '서버에서 문제가 발생했습니다. 자세한 내용은 서버 로그에 있습니다.'
  return '서버가 요청을 받아들이지 않았습니다. 이유를 확인하고 고쳐서 다시 시도하세요.'
}

/** The refusal in Korean. */
export function inWords(code: string, status: number): string {
  return WHOLE[code] ?? MORE[code] ?? byStatus(status)
}

/** Whether the sentence of that code leaves nothing out. */
export function isWhole(code: string): boolean {
  return code in WHOLE
}
