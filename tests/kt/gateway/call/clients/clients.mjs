// Asks a gateway as an application would; prints what came of it as JSON.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const [name, url, text, stream] = process.argv.slice(2);
const apiKey = "any";
const model = "gpt-4o-mini";
const claude = "m";
const messages = [{ role: "user", content: text }];
const streamed = stream === "streamed";
let said = "";

async function vercel(model) {
  if (!streamed) {
    said = (await generateText({ model, prompt: text })).text;
    return;
  }
  let failure;
  const onError = ({ error }) => (failure = error);
  for await (const piece of streamText({ model, prompt: text, onError }).textStream) said += piece;
  if (failure) throw failure;
}

const clients = {
  async openai() {
    const chat = new OpenAI({ baseURL: `${url}/v1`, apiKey }).chat.completions;
    if (!streamed) {
      said = (await chat.create({ model, messages })).choices[0].message.content;
      return;
    }
    for await (const event of await chat.create({ model, messages, stream: true })) {
      said += event.choices[0]?.delta?.content ?? "";
    }
  },
  async anthropic() {
    const asking = { model: claude, max_tokens: 50, messages };
    const client = new Anthropic({ baseURL: url, apiKey });
    if (!streamed) {
      said = (await client.messages.create(asking)).content[0].text;
      return;
    }
    for await (const event of client.messages.stream(asking)) {
      said += event.type === "content_block_delta" ? (event.delta.text ?? "") : "";
    }
  },
  "ai-chat": () => vercel(createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat(model)),
  "ai-responses": () => vercel(createOpenAI({ baseURL: `${url}/v1`, apiKey }).responses(model)),
  "ai-anthropic": () => vercel(createAnthropic({ baseURL: `${url}/v1`, apiKey })(claude)),
};

let error = "";
try {
  await clients[name]();
} catch (caught) {
  for (let one = caught; one; one = one.cause ?? one.lastError) error += `${one}\n`;
  if (!error.includes("policy")) error += JSON.stringify(caught);
}
console.log(JSON.stringify({ said, error }));
process.exit(0);
