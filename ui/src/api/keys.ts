// The names of what is kept in the query cache. A page adds its own below its name.
export const keys = {
  auth: ['auth'] as const,
  config: ['config'] as const,
  models: ['models'] as const,
  users: ['users'] as const,
  sessions: ['sessions'] as const,
  apiKeys: ['api-keys'] as const,
  capture: ['capture'] as const,
  chats: ['chats'] as const,
  chatList: ['chats', 'list'] as const,
  /** The conversations themselves, each by its id behind this. */
  chat: ['chats', 'one'] as const,
  presets: ['chats', 'presets'] as const,
  chatDefaults: ['chats', 'defaults'] as const,
  speech: ['speech'] as const,
}
