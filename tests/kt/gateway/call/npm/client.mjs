// Asks a gateway as an application would; prints what came of it as JSON.
import OpenAI from "openai";

const [baseURL, act, text] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any" });
const asking = { model: "m", messages: [{ role: "user", content: text }] };
let said = "";

const acts = {
  async whole() {
    return (await client.chat.completions.create(asking)).choices[0].message;
  },
  async bytes() {
    return await (await client.chat.completions.create(asking).asResponse()).text();
  },
  async streamed() {
    for await (const event of await client.chat.completions.create({ ...asking, stream: true })) {
      said += event.choices[0]?.delta?.content ?? "";
    }
  },
  async assembled() {
    const events = client.chat.completions.stream(asking);
    return (await events.finalChatCompletion()).choices[0].message;
  },
  async response() {
    const whole = (await client.responses.create({ model: "m", input: text })).output_text;
    for await (const event of await client.responses.create({ model: "m", input: text, stream: true })) {
      said += event.type === "response.output_text.delta" ? event.delta : "";
    }
    return whole;
  },
  async embedding() {
    return (await client.embeddings.create({ model: "m", input: text })).data[0].embedding;
  },
};

const result = {};
try {
  result.value = await acts[act]();
} catch (error) {
  const { status, code, type } = error;
  result.error = { name: error.constructor.name, status, code, type };
}
console.log(JSON.stringify({ ...result, said }));
