import { java, javaBlock } from '../quoting'
import { json, path, type Examples, type Target, type Task } from '../request'

export const JAVA: Examples = {
  chat: (target) => program('chat', target, WHOLE),
  stream: (target) => program('stream', target, LINES),
  tools: (target) => program('tools', target, `${WHOLE}\n${TOOLS}`),
  embeddings: (target) => program('embeddings', target, WHOLE),
}

const WHOLE = `        var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            System.err.println(answer.body());
            System.exit(1);
        }
        System.out.println(answer.body());`

const LINES = `        var answer = client.send(request, HttpResponse.BodyHandlers.ofLines());
        if (answer.statusCode() != 200) {
            answer.body().forEach(System.err::println);
            System.exit(1);
        }
        answer.body()
            .filter(line -> line.startsWith("data: ") && !line.equals("data: [DONE]"))
            .forEach(line -> System.out.println(line.substring("data: ".length())));`

const TOOLS = `        // choices[0].message.tool_calls says which function to call. Send that message again, with
        // {"role": "tool", "tool_call_id": ..., "content": ...} behind it, for the answer in words.`

function program(task: Task, target: Target, rest: string): string {
  const key = target.key ? `\n            .header("authorization", ${java(`Bearer ${target.key}`)})` : ''
  return `// Java 15 or newer: java Example.java
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Example {
    public static void main(String[] args) throws Exception {
        var body = ${javaBlock(json(task, target.model), '            ')};
        var request = HttpRequest.newBuilder(URI.create(${java(target.base + path(task))}))
            .header("content-type", "application/json")${key}
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
${rest}
    }
}
`
}
