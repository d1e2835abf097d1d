import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** The part of JSON Schema that docs/api.yaml uses; any other keyword is a mistake in the document. */
interface Schema {
  readonly $ref?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly oneOf?: readonly Schema[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

const KEYWORDS = new Set(
  '$ref oneOf type description enum pattern maxLength minimum required properties additionalProperties items'.split(
    ' ',
  ),
);

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Operation {
  readonly responses?: Readonly<Record<string, Response>>;
}

interface Document {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Validates responses against docs/api.yaml. */
export class ApiDocument {
  readonly #document: Document;

  constructor() {
    this.#document = parse(readFileSync(new URL('../../docs/api.yaml', import.meta.url), 'utf8'), {
      maxAliasCount: -1,
    });
  }

  get version(): string {
    return this.#document.info.version;
  }

  /** Every described `METHOD path`. */
  get operations(): string[] {
    return Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'parameters')
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  /** Violations of the document in a response of `path`; empty if there are none. */
  mistakes(path: string, status: number, body: string, method = 'get'): string[] {
    const response = this.#document.paths[path]?.[method]?.responses?.[String(status)];
    if (!response) return [`no status ${status} for ${path}`];
    if (!response.content) return body === '' ? [] : ['an undescribed body'];
    if (!('application/json' in response.content)) return [];
    const schema = response.content['application/json']?.schema;
    if (!schema) return ['no schema'];
    return this.#compare(schema, JSON.parse(body), '$');
  }

  #compare(schema: Schema, value: unknown, at: string): string[] {
    const strange = Object.keys(schema).filter((keyword) => !KEYWORDS.has(keyword));
    if (strange.length > 0) return [`${at}: keywords ${strange.join()} are not checked`];
    if (schema.$ref !== undefined) {
      const named = this.#document.components.schemas[schema.$ref.replace('#/components/schemas/', '')];
      return named ? this.#compare(named, value, at) : [`${at}: no ${schema.$ref}`];
    }
    if (schema.oneOf) {
      const tries = schema.oneOf.map((one) => this.#compare(one, value, at));
      return tries.some(({ length }) => length === 0) ? [] : tries.flat();
    }
    if (schema.enum && !schema.enum.includes(value)) return [`${at}: ${JSON.stringify(value)} is not in the list`];
    const fits = schema.type === 'number' ? typeof value === 'number' : typeOf(value) === schema.type;
    if (!fits) return [`${at}: ${typeOf(value)} instead of ${schema.type}`];
    if (Array.isArray(value)) {
      return value.flatMap((item, index) => this.#compare(schema.items ?? {}, item, `${at}[${index}]`));
    }
    if (typeof value === 'object') return this.#compareObject(schema, value as Record<string, unknown>, at);
    const { pattern, minimum } = schema;
    if (pattern !== undefined && !new RegExp(pattern).test(String(value))) return [`${at}: ${value} !~ ${pattern}`];
    return minimum !== undefined && Number(value) < minimum ? [`${at}: ${value} < ${minimum}`] : [];
  }

  #compareObject(schema: Schema, value: Record<string, unknown>, at: string): string[] {
    const { required = [], properties = {}, additionalProperties = true } = schema;
    const missing = required.filter((name) => !(name in value)).map((name) => `${at}: no ${name}`);
    const others = Object.entries(value).flatMap(([name, field]) => {
      const own = properties[name] ?? additionalProperties;
      if (own === false) return [`${at}: ${name} is not described`];
      return own === true ? [] : this.#compare(own, field, `${at}.${name}`);
    });
    return [...missing, ...others];
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}
