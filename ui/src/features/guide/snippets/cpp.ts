import { cpp, cppRaw } from '../quoting'
import { json, path, type Examples, type Target, type Task } from '../request'

export const CPP: Examples = {
  chat: (target) => program('chat', target),
  stream: (target) => program('stream', target),
  tools: (target) => program('tools', target),
  embeddings: (target) => program('embeddings', target),
}

// libcurl writes what comes to standard output as it comes, so a stream needs nothing more.
function program(task: Task, target: Target): string {
  const key = target.key
    ? `\n    headers = curl_slist_append(headers, ${cpp(`Authorization: Bearer ${target.key}`)});`
    : ''
  return `// c++ example.cpp -lcurl -o example && ./example
#include <curl/curl.h>
#include <cstdio>

int main() {
    const char *body = ${cppRaw(json(task, target.model))};
${NOTES[task]}    CURL *curl = curl_easy_init();
    curl_slist *headers = curl_slist_append(nullptr, "Content-Type: application/json");${key}
    curl_easy_setopt(curl, CURLOPT_URL, ${cpp(target.base + path(task))});
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode result = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK) std::fprintf(stderr, "%s\\n", curl_easy_strerror(result));
    else if (status != 200) std::fprintf(stderr, "\\nHTTP %ld\\n", status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return result == CURLE_OK && status == 200 ? 0 : 1;
}
`
}

const NOTES: Record<Task, string> = {
  chat: '',
  stream: '    // Each event is a line that begins with "data: ", the last one is [DONE].\n',
  tools: '    // Answer a call in tool_calls with a message of the role "tool" and its tool_call_id.\n',
  embeddings: '',
}
