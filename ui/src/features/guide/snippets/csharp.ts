import { csharp } from '../quoting'
import { path, QUESTION, SENTENCES, TOOL_QUESTION, type Examples, type Target, type Task } from '../request'

export const CSHARP: Examples = {
  chat: (target) => `${head(target)}
var answer = await client.PostAsJsonAsync(${address('chat', target)}, new
{
    model = ${csharp(target.model)},
    messages = new[] { new { role = "user", content = ${csharp(QUESTION)} } },
});
if (!answer.IsSuccessStatusCode) throw new Exception(await answer.Content.ReadAsStringAsync());
var body = await answer.Content.ReadFromJsonAsync<JsonNode>();
Console.WriteLine(body!["choices"]![0]!["message"]!["content"]);
`,

  stream: (target) => `${head(target)}
var request = new HttpRequestMessage(HttpMethod.Post, ${address('stream', target)})
{
    Content = JsonContent.Create(new
    {
        model = ${csharp(target.model)},
        messages = new[] { new { role = "user", content = ${csharp(QUESTION)} } },
        stream = true,
    }),
};
using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
if (!answer.IsSuccessStatusCode) throw new Exception(await answer.Content.ReadAsStringAsync());
using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
while (await reader.ReadLineAsync() is { } line)
{
    if (!line.StartsWith("data: ") || line == "data: [DONE]") continue;
    var choices = JsonNode.Parse(line["data: ".Length..])?["choices"] as JsonArray;
    if (choices is { Count: > 0 }) Console.Write(choices[0]!["delta"]?["content"]);
}
Console.WriteLine();
`,

  tools: (target) => `${head(target)}
var messages = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = ${csharp(TOOL_QUESTION)} });
var tools = JsonNode.Parse("""
    [{"type": "function", "function": {
        "name": "get_weather", "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
    """);

async Task<JsonNode> Ask()
{
    var body = new JsonObject
    {
        ["model"] = ${csharp(target.model)},
        ["messages"] = messages.DeepClone(),
        ["tools"] = tools!.DeepClone(),
    };
    var answer = await client.PostAsJsonAsync(${address('tools', target)}, body);
    if (!answer.IsSuccessStatusCode) throw new Exception(await answer.Content.ReadAsStringAsync());
    return (await answer.Content.ReadFromJsonAsync<JsonNode>())!["choices"]![0]!["message"]!;
}

var message = await Ask();
if (message["tool_calls"] is JsonArray calls)
{
    messages.Add(message.DeepClone());
    foreach (var call in calls)
    {
        var arguments = JsonNode.Parse((string)call!["function"]!["arguments"]!)!;
        messages.Add(new JsonObject
        {
            ["role"] = "tool",
            ["tool_call_id"] = (string)call["id"]!,
            ["content"] = $"18 degrees and sunny in {arguments["city"]}",
        });
    }
    message = await Ask();
}
Console.WriteLine(message["content"]);
`,

  embeddings: (target) => `${head(target)}
var answer = await client.PostAsJsonAsync(${address('embeddings', target)}, new
{
    model = ${csharp(target.model)},
    input = new[] { ${SENTENCES.map(csharp).join(', ')} },
});
if (!answer.IsSuccessStatusCode) throw new Exception(await answer.Content.ReadAsStringAsync());
var body = await answer.Content.ReadFromJsonAsync<JsonNode>();
foreach (var item in body!["data"]!.AsArray())
{
    Console.WriteLine($"{item!["index"]} {item["embedding"]!.AsArray().Count}");
}
`,
}

function address(task: Task, { base }: Target): string {
  return csharp(base + path(task))
}

function head({ key }: Target): string {
  const said = key
    ? `\nclient.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ${csharp(key)});`
    : ''
  return `// .NET 8 or newer: Program.cs of "dotnet new console"
${key ? 'using System.Net.Http.Headers;\n' : ''}using System.Net.Http.Json;
using System.Text.Json.Nodes;

using var client = new HttpClient();${said}
`
}
