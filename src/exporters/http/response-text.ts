/** A receiver's message, for the table of responses and for people. */
interface Words {
  /** On one line, at most {@link SHOWN} characters, without echoed parts of the request. */
  readonly text: string;
  /** Whether it is a web page. No metrics receiver responds with one, so it comes from something in between. */
  readonly isPage: boolean;
}

/** Shown characters of a response. More is never needed to identify the problem. */
const SHOWN = 300;

/** Examined characters of a response. A long one must not block the event loop. */
const READ = 16 * 1024;

/**
 * The message of a response. VictoriaMetrics puts the address and URL of the request before its message, and proxies
 * repeat the URL in the text. A query may contain secrets, and a label may contain any word that the table matches.
 */
export function receiverMessage(response: string, contentType = ''): Words {
  const body = response.slice(0, READ);
  const isPage = /^text\/html\b/i.test(contentType) || /^\s*(?:<!doctype html|<html)\b/i.test(body);
  if (body === '' && !isPage) return { text: '', isPage };
  const text = (isPage ? pageText(body) : body)
    .replace(/^remoteAddr: "[^"]*"; requestURI: \S*?;\s/, '')
    .replaceAll(/\s+/g, ' ');
  return { text: withoutQueries(text).trim().slice(0, SHOWN), isPage };
}

/** `text` without the queries, fragments and credentials of URLs and paths. */
export const withoutQueries = (text: string): string =>
  text
    .replaceAll(/(https?:\/\/)[^\s"'`<>/?#]*@/gi, '$1')
    .replaceAll(/((?:https?:\/\/|\/)[^\s"'`<>?#]*)[?#][^\s"'`<>]*/g, '$1');

/** The visible text of a page: its title and body text. */
function pageText(html: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(html)?.[1]?.trim() ?? '';
  const shown = html
    .replaceAll(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .trim();
  return `a web page${title === '' ? '' : ` "${title}"`}: ${shown}`;
}
