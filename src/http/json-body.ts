import type * as z from 'zod';
import { type HttpRequest, type Reply, refuse } from './message.ts';

/**
 * The response of `act` to a JSON body that matches the schema. Otherwise a refusal: 415 for another content type, 400
 * with all problems.
 */
export async function withBody<Body>(
  { headers, body }: Pick<HttpRequest, 'headers' | 'body'>,
  schema: z.ZodType<Body>,
  act: (body: Body) => Reply | Promise<Reply>,
): Promise<Reply> {
  if (!/^application\/json(?:;|$)/i.test(headers['content-type'] ?? '')) {
    return refuse(415, 'the body must be application/json');
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return refuse(400, 'the body is not JSON');
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? act(parsed.data) : refuse(400, problemsOf(parsed.error));
}

const problemsOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ');
