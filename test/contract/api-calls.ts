import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import type { MediaServer } from './media-servers';
import { GOOD } from './recording-hook';

type Json = any;

const OPENAPI = join(__dirname, '../../../shared/reference/mediamtx-openapi-v1.20.1.yaml');
const document = existsSync(OPENAPI) ? parse(readFileSync(OPENAPI, 'utf8')) : undefined;
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addFormat('uint64', {
  type: 'number',
  validate: (value: number) => Number.isInteger(value) && value >= 0,
});
if (document) ajv.addSchema(withNulls(document), 'mediamtx');

const AUTHORIZATION = `Basic ${Buffer.from(`${GOOD.user}:${GOOD.password}`).toString('base64')}`;

/** One answer of the v3 API. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
}

/** Calls the API as somebody who may. */
export async function api(
  server: MediaServer,
  path: string,
  method = 'GET',
  body?: unknown,
): Promise<ApiAnswer> {
  const response = await fetch(`${server.apiUrl}/v3/${path}`, {
    method,
    headers: { authorization: AUTHORIZATION },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

/** The items of a list, whole. */
export async function listed(server: MediaServer, kind: string): Promise<Json[]> {
  const answer = await api(server, `${kind}/list?itemsPerPage=1000`);
  return answer.json.items as Json[];
}

/** One path as the API shows it, undefined when it does not. */
export async function pathOf(server: MediaServer, name: string): Promise<Json> {
  return (await listed(server, 'paths')).find((path: Json) => path.name === name);
}

/** What is wrong with an answer by the reference's OpenAPI; every declared key must be there. */
export function schemaProblems(schema: string, value: Json): string[] {
  if (!document) return [];
  const validate = ajv.compile({ $ref: `mediamtx#/components/schemas/${schema}` });
  const problems = validate(value)
    ? []
    : (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message}`);
  const declared = Object.keys(document.components.schemas[schema].properties as object);
  const missing = declared.filter((key) => !(key in value)).map((key) => `${key} is missing`);
  const unknown = Object.keys(value as object)
    .filter((key) => !declared.includes(key))
    .map((key) => `${key} is unknown`);
  return [...problems, ...missing, ...unknown];
}

/**
 * OpenAPI 3.0 says `nullable` beside `allOf`; JSON Schema wants the null among the choices. The codec properties are
 * declared `oneOf`, though no schema has a required key and several match.
 */
function withNulls(node: Json): Json {
  if (Array.isArray(node)) return node.map(withNulls);
  if (typeof node !== 'object' || node === null) return node;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(node as object).map(([k, v]) => [k, withNulls(v)]),
  );
  const { oneOf, ...others } = rest;
  const schema = oneOf === undefined ? rest : { ...others, anyOf: oneOf };
  return nullable === true ? { anyOf: [{ type: 'null' }, schema] } : schema;
}
