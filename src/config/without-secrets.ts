/** Keys whose values, also those of all keys below them, may be secrets; paths of files are not secrets. */
const SECRET = /(?:header|password|passwd|token|secret|authorization|cookie|credential|apikey|api_key)/i;
const FILE = /(?:File|Path|Seconds|Ms)$/;
/** Environment variables, bodies and arguments of programs. */
const PRIVATE = new Set(['env', 'body', 'command', 'params', 'args']);

/** The user part and the query of addresses in a text. */
const USER = /\b([a-z][a-z0-9+.-]*:\/\/)[^/\s"'@]+@/gi;
const QUERY = /\b([a-z][a-z0-9+.-]*:\/\/[^\s"'?]+)\?[^\s"']*/gi;
/** Credentials in headers. */
const CREDENTIAL = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi;

const HIDDEN = '<hidden>';

/**
 * JSON data that is safe to share: values that may contain a secret are hidden, by the name of the key or as part of an
 * address. Hides more than strictly necessary.
 */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') {
    return value
      .replaceAll(USER, `$1${HIDDEN}@`)
      .replaceAll(QUERY, `$1?${HIDDEN}`)
      .replaceAll(CREDENTIAL, `$1 ${HIDDEN}`);
  }
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecret(key, item) ? hidden(item) : withoutSecrets(item)]),
  );
}

const isSecret = (key: string, item: unknown): boolean =>
  PRIVATE.has(key) || (SECRET.test(key) && !(FILE.test(key) && typeof item === 'string'));

/** The keys are kept, because they show what is configured. */
function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value !== 'object' || value === null) return HIDDEN;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, FILE.test(key) ? withoutSecrets(item) : hidden(item)]),
  );
}
