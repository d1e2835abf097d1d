import * as z from 'zod';

/**
 * A base URL in the configuration, like `example`: parsed, without a trailing slash. Requests append their own path, so
 * a query or fragment can't be used; credentials and tokens belong in files. No message quotes them.
 */
export const httpUrl = (example: string) =>
  z.string(`expected a URL such as ${example}`).transform((text, context) => {
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', message, input: '' });
      return z.NEVER;
    };
    if (parsed === undefined) return refuse(`expected a URL such as ${example}`);
    if (!/^https?:$/.test(parsed.protocol)) return refuse(`expected http:// or https://, found ${parsed.protocol}//`);
    if (parsed.username || parsed.password) return refuse('no credentials in the URL: use auth with a passwordFile');
    // Also rejects an empty one, which `new URL` drops.
    if (text.includes('?')) return refuse('no query in the URL: a token goes into a file, labels into labels');
    if (text.includes('#')) return refuse('no # in the URL: what follows it is never sent');
    return (parsed.origin + parsed.pathname).replace(/\/+$/, '');
  });

/** `url` for display: without credentials, query and fragment. */
export const shownUrl = (url: string): string => url.replace(/^([a-z]+:\/\/)[^/?#@]*@/i, '$1').replace(/[?#].*$/s, '');
